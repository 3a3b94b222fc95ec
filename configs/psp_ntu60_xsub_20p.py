# PSP Learning on NTU RGB+D, cross-subject, 20% labels (paper, table 2: 82.6).
_base_ = 'psp_ntu60_xsub_5p.py'

train_dataloader = dict(dataset=dict(times=5, dataset=dict(labeled_ratio=0.2)))
