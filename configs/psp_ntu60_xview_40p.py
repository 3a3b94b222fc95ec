# PSP Learning on NTU RGB+D, cross-view, 40% labels (paper, table 2: 90.8).
_base_ = 'psp_ntu60_xview_5p.py'

train_dataloader = dict(dataset=dict(times=3, dataset=dict(labeled_ratio=0.4)))
