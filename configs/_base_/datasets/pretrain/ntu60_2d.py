# All training clips of NTU RGB+D as 2D key points with scores, no labels,
# prepared as the labelled ones.
_base_ = '../finetune/ntu60_2d.py'

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
        pipeline=_base_.train_pipeline))
val_dataloader = None  # there is nothing to predict
val_evaluator = None
