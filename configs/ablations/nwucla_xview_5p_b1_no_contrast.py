# B1 of the paper, without contrast, which is A1.
# NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = 'nwucla_xview_5p_a1_supervised.py'
