# B4 of the paper: body level alone, attention and contrast.
# NTU RGB+D, cross-subject, 5% labels.
_base_ = '../psp_ntu60_xsub_5p.py'

model = dict(loss_con=dict(level_weights=dict(body=1)))
# The other levels get no gradient.
find_unused_parameters = True
