# FixMatch with 5% of the labels, synthetic actions.
_base_ = '../_base_/methods/synthetic_5p.py'

model = dict(methods=[
    dict(type='FixMatch', mask=dict(type='FixedThreshold', threshold=0.95))
])
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=_base_.weak_and_strong)))
