# B8 of the paper, all three levels, which is A3.
# NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = 'nwucla_xview_5p_a3_with_ppa.py'
