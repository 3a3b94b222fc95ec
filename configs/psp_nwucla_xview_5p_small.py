# PSP on NW-UCLA at a size that one CPU core trains in five to six minutes:
# fewer channels, frames, epochs and clips than psp_nwucla_xview_5p.py. Each
# stream is rotated and sheared by a draw of its own, so that the contrast's
# positives are two cameras' views of a clip, and the labelled clips are in the
# unlabelled pool. Chosen on the training views, see docs/results/psp.md.
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp_small.py',
    '_base_/datasets/nwucla_3d.py', '_base_/schedules/sgd_small.py'
]

model = dict(
    backbone=dict(num_joints=20, channels_last=True),
    neck=dict(layout='nwucla', part_to_joint=0.1, body_to_joint=0.2))

train_pipeline = _base_.normalize + [
    dict(
        type='StreamsApart',
        transforms=_base_.other_view + _base_.features +
        [dict(type='UniformSamplePose', clip_len=24)])
] + _base_.pack
val_pipeline = _base_.prepare + [
    dict(type='UniformSamplePose', clip_len=24, num_clips=1, test_mode=True)
] + _base_.pack
test_pipeline = _base_.prepare + [
    dict(type='UniformSamplePose', clip_len=24, num_clips=10, test_mode=True)
] + _base_.pack

# No workers: forking them costs a training on CPU more than the loading, see
# docs/guides/speed.md.
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    dataset=dict(
        times=8,
        dataset=dict(
            include_labeled=True, dataset=dict(pipeline=train_pipeline))))
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=48,
            num_workers=0,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(type='BFloat16OptimWrapper')
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=3))
