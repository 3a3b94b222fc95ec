# All synthetic training clips without labels, prepared as the labelled ones.
_base_ = '../finetune/synthetic.py'

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
            pipeline=_base_.train_pipeline)))
val_dataloader = None  # there is nothing to predict
val_evaluator = None
