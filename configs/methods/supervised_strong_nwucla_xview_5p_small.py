# Labels only, in the strong view, 5% of the labels, NW-UCLA, small.
_base_ = '../_base_/methods/nwucla_xview_5p_small.py'

model = dict(methods=[dict(type='SupervisedOnly')])
custom_hooks = []
pipeline = _base_.normalize + [
    dict(type='StreamsApart', transforms=_base_.strong)
] + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=pipeline))))
