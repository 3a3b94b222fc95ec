# CrosSCLR with 5% of the labels, NW-UCLA; mining from epoch 39 of 300 on.
_base_ = '../_base_/methods/nwucla_xview_5p.py'

model = dict(methods=[
    dict(type='CrosSCLR', queue_size=768, decay=0.99, mining_start=0.13)
])
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=_base_.weak_and_strong)))
