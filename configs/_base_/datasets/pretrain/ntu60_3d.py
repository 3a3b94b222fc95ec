# All training clips of NTU RGB+D without labels, prepared as the labelled
# ones.
_base_ = '../finetune/ntu60_3d.py'

train_dataloader = dict(
    drop_last=True,
    dataset=dict(
        _base_.train_dataloader.dataset.dataset.dataset,  # all of its clips
        _delete_=True,
        drop_labels=True))
val_dataloader = None  # there is nothing to predict
val_evaluator = None
