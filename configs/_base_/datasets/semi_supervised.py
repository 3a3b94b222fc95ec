# What all datasets share. Each adds its annotation file, splits, pipelines,
# label fraction and batch sizes.
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    collate_fn=dict(type='compact_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RepeatDataset',
        dataset=dict(
            type='SemiSupervisedDataset',
            seed=0,
            dataset=dict(
                type='CheckedPoseDataset', ann_file='', split='train'))))
# Its clips are those that the labelled loader above leaves.
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=64,
            num_workers=4,
            drop_last=True,
            collate_fn=dict(type='compact_collate'),
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CheckedPoseDataset',
        ann_file='',
        split='val',
        need_label=True,
        test_mode=True))
test_dataloader = dict(
    batch_size=8,  # of ten samples each
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CheckedPoseDataset',
        ann_file='',
        split='val',
        need_label=True,
        test_mode=True))

val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
