# A1 of the paper, supervised only: encoder and classifier on labelled clips.
# NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = '../psp_nwucla_xview_5p.py'

model = dict(neck=None, projector=None, loss_con=None)
custom_hooks = []
