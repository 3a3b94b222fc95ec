# All training clips of NTU RGB+D without labels, cropped, resized to 72
# frames and rotated by up to 0.3 radians.
_base_ = '../ntu60_3d.py'

augment = [
    dict(type='RandomCropPose', num_frames=72),
    dict(type='RandomRotatePose', angles=(0.3, 0.3, 0.3))
]
resize = [dict(type='RandomCropPose', min_share=1, num_frames=72)]
train_pipeline = _base_.normalize + augment + _base_.pack
test_pipeline = _base_.normalize + resize + _base_.pack

train_dataloader = dict(
    _delete_=True,
    batch_size=64,
    num_workers=4,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CheckedPoseDataset',
        ann_file=_base_.ann_file,
        split='xsub_train',
        drop_labels=True,
        pipeline=train_pipeline))
custom_hooks = []
val_dataloader = None  # there is nothing to predict
val_evaluator = None
test_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=test_pipeline))
