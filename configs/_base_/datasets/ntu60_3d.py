ann_file = 'data/skeleton/ntu60_3d.pkl'

# Augmentation goes between these two (docs/guides/augmentation.md).
normalize = [
    dict(type='NormalizeSkeleton3D', center=1, zaxis=(0, 1), xaxis=(8, 4)),
]
features = [dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm'])]
prepare = normalize + features
pack = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs', meta_keys=('frame_dir', )),
]
train_pipeline = prepare + [dict(type='UniformSamplePose', clip_len=50)
                            ] + pack
val_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=50, num_clips=1, test_mode=True)
] + pack
test_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=50, num_clips=10, test_mode=True)
] + pack

# `times` makes one epoch about one pass over the whole training set.
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RepeatDataset',
        times=20,
        dataset=dict(
            type='SemiSupervisedDataset',
            labeled_ratio=0.05,
            seed=0,
            dataset=dict(
                type='CheckedPoseDataset',
                ann_file=ann_file,
                split='xsub_train',
                pipeline=train_pipeline))))
# Its clips are those that the labelled loader above leaves.
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=64,
            num_workers=4,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CheckedPoseDataset',
        ann_file=ann_file,
        split='xsub_val',
        need_label=True,
        pipeline=val_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CheckedPoseDataset',
        ann_file=ann_file,
        split='xsub_val',
        need_label=True,
        pipeline=test_pipeline,
        test_mode=True))

val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
