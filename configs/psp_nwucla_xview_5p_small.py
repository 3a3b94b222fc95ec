# psp_nwucla_xview_5p.py at a size that two CPU cores train in minutes:
# fewer channels, frames, epochs and clips a batch, and augmentation.
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp_small.py',
    '_base_/datasets/nwucla_3d.py', '_base_/schedules/sgd_small.py'
]

model = dict(
    backbone=dict(num_joints=20),
    neck=dict(layout='nwucla', part_to_joint=0.1, body_to_joint=0.2))

# Radians about x, y and the vertical: the test view is another one.
augment = [
    dict(type='RandomRotatePose', angles=(0.17, 0.17, 0.5)),
    dict(type='RandomShearPose', factor=0.2),
]
train_pipeline = _base_.normalize + augment + _base_.features + [
    dict(type='UniformSamplePose', clip_len=32)
] + _base_.pack
val_pipeline = _base_.prepare + [
    dict(type='UniformSamplePose', clip_len=32, num_clips=1, test_mode=True)
] + _base_.pack
test_pipeline = _base_.prepare + [
    dict(type='UniformSamplePose', clip_len=32, num_clips=10, test_mode=True)
] + _base_.pack

# No workers: forking them costs a training on CPU more than the loading, see
# docs/speed.md.
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    dataset=dict(
        times=10, dataset=dict(dataset=dict(pipeline=train_pipeline))))
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=64,
            num_workers=0,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline))
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=3))
