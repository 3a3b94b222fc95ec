# PSP Learning on NTU RGB+D, cross-view, 5% labels (paper, table 2: 76.3).
_base_ = 'psp_ntu60_xsub_5p.py'

train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(split='xview_train'))))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = dict(dataset=dict(split='xview_val'))
