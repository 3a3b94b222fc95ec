# PSP on the encoder of hacm_nwucla_xview_small.py: as many labelled clips and
# steps as hacm_nwucla_xview_small_finetune_5p.py. The contrast's weight is
# the better of 1 and 0.2 on the training views: docs/results/pretraining.md.
_base_ = '../psp_nwucla_xview_5p_small.py'

model = dict(
    stream_norm=dict(keep_joint=True),
    backbone=dict(
        _delete_=True,
        type='SkeletonTransformer', layout='nwucla', num_frames=24,
        frames_per_token=4, embed_dims=64, depth=4, num_heads=2,
        tokens='all', fused=False, drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/hacm_nwucla_xview_small/epoch_400.pth')),
    loss_con=dict(loss_weight=0.2))

train_pipeline = _base_.normalize + [
    dict(type='RandomCropPose', num_frames=24),
    dict(
        type='StreamsApart', transforms=_base_.other_view + _base_.features)
] + _base_.pack
test_pipeline = _base_.normalize + [
    dict(type='RandomCropPose', min_share=1, num_frames=24)
] + _base_.features + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(
    _delete_=True,
    type='BFloat16OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    constructor='LayerDecayConstructor',
    paramwise_cfg=dict(layer_decay=0.8))
param_scheduler = [
    _base_.param_scheduler[0],
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        begin=2,
        end=32,
        by_epoch=True,
        convert_to_iter_based=True)
]
