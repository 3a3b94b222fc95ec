# B7 of the paper: part and body level, attention and contrast.
# NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = '../psp_nwucla_xview_5p.py'

model = dict(loss_con=dict(level_weights=dict(part=1, body=1)))
# The other levels get no gradient.
find_unused_parameters = True
