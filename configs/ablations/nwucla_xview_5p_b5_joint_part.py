# B5 of the paper: joint and part level, attention and contrast.
# NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = '../psp_nwucla_xview_5p.py'

model = dict(
    neck=dict(body_to_part=0, body_to_joint=0),
    loss_con=dict(level_weights=dict(joint=1, part=1)))
# The other levels get no gradient.
find_unused_parameters = True
