# psp_ntu60_2d_xsub_5p.py on the encoder of
# hacm_ntu60_2d_all_joints.py, with its frames and
# augmentation, and AdamW.
_base_ = '../psp_ntu60_2d_xsub_5p.py'

model = dict(
    skip_absent_persons=True,
    stream_norm=dict(keep_joint=True),
    backbone=dict(
        _delete_=True,
        type='SkeletonTransformer', layout='coco', num_frames=72,
        tokens='all', drop_path_rate=0.3,
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/hacm_ntu60_2d_all_joints/epoch_400.pth')))

train_pipeline = _base_.normalize + [
    dict(type='RandomCropPose', num_frames=72),
    dict(type='RandomRotatePose', angles=0.3)
] + _base_.features + _base_.pack
test_pipeline = _base_.normalize + [
    dict(type='RandomCropPose', min_share=1, num_frames=72)
] + _base_.features + _base_.pack
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.05),
    constructor='LayerDecayConstructor',
    paramwise_cfg=dict(layer_decay=0.8))
param_scheduler = [
    _base_.param_scheduler[0],
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=1 / 30,
        begin=5,
        end=120,
        by_epoch=True,
        convert_to_iter_based=True)
]
