# All synthetic training clips without labels, cropped, resized to 24 frames
# and rotated.
_base_ = '../synthetic.py'

augment = [
    dict(type='RandomCropPose', num_frames=24),
    dict(type='RandomRotatePose', angles=(0.3, 0.3, 0.3))
]
resize = [dict(type='RandomCropPose', min_share=1, num_frames=24)]
train_pipeline = _base_.normalize + augment + _base_.pack
test_pipeline = _base_.normalize + resize + _base_.pack

train_dataloader = dict(
    _delete_=True,
    batch_size=64,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SemiSupervisedDataset',
        subset='unlabeled',
        include_labeled=True,
        labeled_ratio=0.05,
        dataset=dict(
            type=_base_.dataset_type,
            split='train',
            num_clips=1000,
            pipeline=train_pipeline)))
custom_hooks = []
val_dataloader = None  # there is nothing to predict
val_evaluator = None
test_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=test_pipeline))
