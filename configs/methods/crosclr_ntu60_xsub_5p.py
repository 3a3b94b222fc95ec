# CrosSCLR with 5% of the labels, NTU RGB+D, cross-subject; mining from epoch
# 30 of 120 on.
_base_ = '../_base_/methods/ntu60_xsub_5p.py'

model = dict(methods=[dict(type='CrosSCLR', mining_start=0.25)])
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=_base_.weak_and_strong)))
