# psp_nwucla_xview_5p_small.py with rotation and shear drawn for each stream,
# so that the contrast's positives are two cameras' views of a clip, and the
# labelled clips in the unlabelled pool. Chosen on the training views: see
# README's results and studies/nwucla_views.yml.
_base_ = 'psp_nwucla_xview_5p_small.py'

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

train_dataloader = dict(
    batch_size=16,
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
val_dataloader = dict(batch_size=64, dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=32, val_interval=32)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        begin=0,
        end=2,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[20, 28], gamma=0.1, by_epoch=True)
]
optim_wrapper = dict(type='BFloat16OptimWrapper')
model = dict(backbone=dict(channels_last=True))
default_hooks = dict(checkpoint=dict(interval=32))
