# All training clips of NW-UCLA without labels, resized in time.
_base_ = '../nwucla_3d.py'

augment = [dict(type='RandomCropPose', num_frames=48)] + _base_.other_view
resize = [dict(type='RandomCropPose', min_share=1, num_frames=48)]
train_pipeline = _base_.normalize + augment + _base_.pack
test_pipeline = _base_.normalize + resize + _base_.pack

train_dataloader = dict(
    _delete_=True,
    batch_size=64,
    num_workers=2,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CheckedPoseDataset',
        ann_file=_base_.ann_file,
        metainfo=_base_.metainfo,
        split='xview_train',
        drop_labels=True,
        pipeline=train_pipeline))
custom_hooks = []
val_dataloader = None  # there is nothing to predict
val_evaluator = None
test_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=test_pipeline))
