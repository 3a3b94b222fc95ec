# The released implementation's choices and hyper-parameters, NTU RGB+D
# cross-subject, 10% labels; its checkpoints are converted to this model by
# tools/convert_official_checkpoint.py. Where ../psp_ntu60_xsub_10p.py follows
# the paper instead, README says so.
_base_ = '../psp_ntu60_xsub_10p.py'

model = dict(
    stream_norm=None,
    neck=dict(scale='full', body_from='joint'),
    loss_con=dict(loss_weight=0.2))

prepare = [
    dict(type='NormalizeSkeleton3D', center=0, zaxis=(0, 20), xaxis=(8, 4)),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm']),
]
train_pipeline = prepare + [dict(type='UniformSamplePose', clip_len=50)
                            ] + _base_.pack
val_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=50, num_clips=1, test_mode=True)
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
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=2500, by_epoch=False),
    dict(type='MultiStepLR', milestones=[30000, 45000], by_epoch=False)
]
auto_scale_lr = dict(base_batch_size=9)

default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),
    checkpoint=dict(interval=500, by_epoch=False))
log_processor = dict(by_epoch=False)
