dataset_type = 'SyntheticSkeletonDataset'
# Augmentation goes between these two (docs/guides/augmentation.md).
normalize = [
    dict(type='NormalizeSkeleton3D', center=1, zaxis=(0, 1), xaxis=(8, 4)),
]
features = [dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm'])]
prepare = normalize + features
pack = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs', meta_keys=('frame_dir', )),
]
train_pipeline = prepare + [dict(type='UniformSamplePose', clip_len=32)
                            ] + pack
val_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=32, num_clips=1, test_mode=True)
] + pack
test_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=32, num_clips=10, test_mode=True)
] + pack

# No workers: forking them costs a training on CPU more than the loading, see
# docs/guides/speed.md.
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RepeatDataset',
        times=10,
        dataset=dict(
            type='SemiSupervisedDataset',
            labeled_ratio=0.05,
            seed=0,
            dataset=dict(
                type=dataset_type,
                split='train',
                num_clips=1000,
                pipeline=train_pipeline))))
# Its clips are those that the labelled loader above leaves.
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=64,
            num_workers=0,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
val_dataloader = dict(
    batch_size=128,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        split='val',
        num_clips=500,
        pipeline=val_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        split='val',
        num_clips=500,
        pipeline=test_pipeline,
        test_mode=True))

val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
