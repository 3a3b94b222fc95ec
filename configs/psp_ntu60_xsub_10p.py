# PSP Learning on NTU RGB+D, cross-subject, 10% labels (paper, table 2: 78.1).
_base_ = 'psp_ntu60_xsub_5p.py'

train_dataloader = dict(
    dataset=dict(times=10, dataset=dict(labeled_ratio=0.1)))
