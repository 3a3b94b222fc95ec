# Mean Teacher with 5% of the labels, NW-UCLA.
_base_ = '../_base_/methods/nwucla_xview_5p.py'

model = dict(methods=[
    dict(type='MeanTeacher', ramp=dict(type='SigmoidRamp', end=0.1))
])
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=_base_.weak_and_strong)))
