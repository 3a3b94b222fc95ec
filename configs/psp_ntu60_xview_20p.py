# PSP Learning on NTU RGB+D, cross-view, 20% labels (paper, table 2: 86.9).
_base_ = 'psp_ntu60_xview_5p.py'

train_dataloader = dict(dataset=dict(times=5, dataset=dict(labeled_ratio=0.2)))
