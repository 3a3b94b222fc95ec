# PSP Learning on NTU RGB+D, cross-view, 10% labels (paper, table 2: 82.1).
_base_ = 'psp_ntu60_xview_5p.py'

train_dataloader = dict(
    dataset=dict(times=10, dataset=dict(labeled_ratio=0.1)))
