# SoftMatch with the labelled clips in the strong view, synthetic actions: the
# counterpart of the config for NW-UCLA. Not ahead of labels only in that view,
# see docs/results/compared.md.
_base_ = '../methods/softmatch_synthetic_5p.py'

pipeline = _base_.normalize + _base_.strong + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=pipeline))))
