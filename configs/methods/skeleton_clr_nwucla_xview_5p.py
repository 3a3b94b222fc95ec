# SkeletonCLR with 5% of the labels, NW-UCLA.
_base_ = '../_base_/methods/nwucla_xview_5p.py'

model = dict(methods=[dict(type='SkeletonCLR', queue_size=768, decay=0.99)])
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=_base_.weak_and_strong)))
