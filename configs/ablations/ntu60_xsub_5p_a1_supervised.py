# A1 of the paper, supervised only: encoder and classifier on labelled clips.
# NTU RGB+D, cross-subject, 5% labels.
_base_ = '../psp_ntu60_xsub_5p.py'

model = dict(neck=None, projector=None, loss_con=None)
custom_hooks = []
