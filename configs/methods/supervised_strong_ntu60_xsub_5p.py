# Labels only, in the strong view, 5% of the labels, NTU RGB+D, cross-subject.
_base_ = '../_base_/methods/ntu60_xsub_5p.py'

model = dict(methods=[dict(type='SupervisedOnly')])
custom_hooks = []
pipeline = _base_.normalize + _base_.strong + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=pipeline))))
