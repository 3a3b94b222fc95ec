# MAMP on NTU RGB+D 60, cross-view: all training clips, no labels.
_base_ = 'mamp_ntu60_xsub.py'

train_dataloader = dict(dataset=dict(split='xview_train'))
test_dataloader = dict(dataset=dict(split='xview_val'))
