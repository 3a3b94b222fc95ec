# FixMatch with 5% of the labels, NW-UCLA, small.
_base_ = '../_base_/methods/nwucla_xview_5p_small.py'

model = dict(methods=[
    dict(type='FixMatch', mask=dict(type='FixedThreshold', threshold=0.95))
])
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=_base_.weak_and_strong)))
