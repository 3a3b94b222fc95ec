# PSP Learning on NTU RGB+D, cross-subject, 40% labels (paper, table 2: 85.4).
_base_ = 'psp_ntu60_xsub_5p.py'

train_dataloader = dict(dataset=dict(times=3, dataset=dict(labeled_ratio=0.4)))
