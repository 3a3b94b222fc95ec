# The released implementation's choices and hyper-parameters, NTU RGB+D
# cross-subject, 10% labels; its checkpoints are converted to this model by
# tools/convert_official_checkpoint.py. Where ../psp_ntu60_xsub_10p.py follows
# the paper instead, see docs/methods/psp.md.
_base_ = '../psp_ntu60_xsub_10p.py'

convolutions = dict(type='KaimingWeight', layer='Conv2d')
model = dict(
    stream_norm=None,
    backbone=dict(init_cfg=convolutions),
    neck=dict(scale='full', body_from='joint', init_cfg=convolutions),
    loss_con=dict(loss_weight=0.2),
    cls_head=dict(
        init_cfg=dict(type='Xavier', layer='Linear', distribution='normal')))

# The spine of the first frame becomes z and gets length 1; the direction from
# joint 20 to joint 5, the left elbow, is turned about it towards x. Whoever
# spreads most is the first person, and frames without anybody are dropped.
prepare = [
    dict(
        type='NormalizeSkeleton3D',
        center=0,
        zaxis=(0, 20),
        xaxis=(5, 20),
        unit_bone=(0, 20),
        hold_spine=True,
        main='spread',
        frames_of='any'),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm']),
]
# Joint and motion are of different frames in training, of the same in testing.
train_pipeline = prepare + [
    dict(
        type='StreamsApart',
        transforms=[dict(type='RandomSamplePose', clip_len=50)])
] + _base_.pack
val_pipeline = prepare + [
    dict(type='RandomSamplePose', clip_len=50, test_mode=True)
] + _base_.pack

# 120 epochs of 500 steps; the loaders' passes over their clips are of other
# lengths. The 3,960 labelled clips are in the unlabelled pool as well.
endless = dict(type='InfiniteSampler', shuffle=True)
train_dataloader = dict(
    batch_size=9,
    sampler=dict(_delete_=True, **endless),
    dataset=dict(
        times=1,
        dataset=dict(
            include_labeled=True, dataset=dict(pipeline=train_pipeline))))
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=90, num_workers=4, sampler=endless))
]
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
# One clip, where the other configs test ten.
test_dataloader = dict(batch_size=64, dataset=dict(pipeline=val_pipeline))

train_cfg = dict(
    _delete_=True,
    type='IterBasedTrainLoop',
    max_iters=60000,
    val_interval=500)
optim_wrapper = dict(optimizer=dict(lr=0.01, weight_decay=4e-4))
# A fifth of the learning rate in the first epoch, two in the second, ... The
# loop has one epoch for MMEngine, so that schedulers by epoch would not step.
param_scheduler = [
    dict(
        type='ConstantLR',
        factor=(epoch + 1) / 5,
        begin=500 * epoch,
        end=500 * epoch + 501,  # it ends one step earlier
        by_epoch=False) for epoch in range(4)
] + [dict(type='MultiStepLR', milestones=[30000, 45000], by_epoch=False)]
auto_scale_lr = dict(base_batch_size=9)

default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),
    checkpoint=dict(interval=500, by_epoch=False))
log_processor = dict(by_epoch=False)
