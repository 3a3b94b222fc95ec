# A3 of the paper, with PPA, which is PSP Learning itself.
# NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = '../psp_nwucla_xview_5p.py'
