# psp_nwucla_xview_5p.py with augmentation that differs between the streams, so
# that the contrast's positives are two cameras' views of a clip. Chosen on the
# training views, see docs/nwucla.md. Not in the paper, which gives none.
_base_ = 'psp_nwucla_xview_5p.py'

# Radians about x, y and the vertical, 60 degrees about the latter.
augment = [
    dict(type='RandomRotatePose', angles=(0.17, 0.17, 1.05)),
    dict(type='RandomShearPose', factor=0.2),
]
train_pipeline = _base_.normalize + [
    dict(
        type='StreamsApart',
        transforms=augment + _base_.features +
        [dict(type='UniformSamplePose', clip_len=50)])
] + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
