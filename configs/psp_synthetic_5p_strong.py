# psp_synthetic_5p.py with all clips in the strong view of the methods of
# docs/results/compared.md: what PSP gains from more augmentation.
_base_ = ['psp_synthetic_5p.py', '_base_/methods/strong_view.py']

strong = [
    dict(type='RandomRotatePose', angles=(0.17, 0.17, 0.52)),
    dict(type='RandomShearPose', factor=0.2),
    dict(type='RandomScalePose', scale=0.1),
    dict(type='RandomFlipPose', layout='nturgb+d'),
] + _base_.crop_and_spoil + _base_.train_pipeline[
    len(_base_.normalize):-len(_base_.pack)]
train_pipeline = _base_.normalize + strong + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
