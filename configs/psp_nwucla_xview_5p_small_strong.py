# psp_nwucla_xview_5p_small.py with all clips in the strong view of the methods
# of docs/results/compared.md: what PSP gains from more augmentation.
_base_ = ['psp_nwucla_xview_5p_small.py', '_base_/methods/strong_view.py']

strong = [
    dict(type='RandomScalePose', scale=0.1),
    dict(type='RandomFlipPose', layout='nwucla'),
] + _base_.crop_and_spoil + _base_.train_pipeline[1].transforms
train_pipeline = _base_.normalize + [
    dict(type='StreamsApart', transforms=strong)
] + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
