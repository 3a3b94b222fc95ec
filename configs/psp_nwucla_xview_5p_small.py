# psp_nwucla_xview_5p.py at a size that two CPU cores train in 20 minutes.
_base_ = 'psp_nwucla_xview_5p.py'

model = dict(
    backbone=dict(blocks=[(16, 16, 4, 2), (16, 32, 8, 1), (32, 64, 16, 2)]),
    neck=dict(in_channels=64),
    projector=dict(in_channels=64),
    cls_head=dict(in_channels=64))

train_pipeline = _base_.prepare + [
    dict(type='UniformSampleFrames', clip_len=32)
] + _base_.pack
val_pipeline = _base_.prepare + [
    dict(type='UniformSampleFrames', clip_len=32, num_clips=1, test_mode=True)
] + _base_.pack
test_pipeline = _base_.prepare + [
    dict(type='UniformSampleFrames', clip_len=32, num_clips=10, test_mode=True)
] + _base_.pack

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    dataset=dict(times=10, dataset=dict(dataset=dict(pipeline=train_pipeline))))
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=64,
            num_workers=1,
            persistent_workers=True,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=40)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        begin=0,
        end=4,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[24, 34], gamma=0.1, by_epoch=True)
]
