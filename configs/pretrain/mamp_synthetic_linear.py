# Linear evaluation: the encoder of mamp_synthetic.py, frozen, all labels.
_base_ = 'mamp_synthetic_finetune_5p.py'

model = dict(
    backbone=dict(frozen=True, drop_path_rate=0),
    cls_head=dict(
        _delete_=True,
        type='LinearProbeHead',
        num_classes=10,
        in_channels=64))
train_dataloader = dict(
    batch_size=256,
    dataset=dict(times=1, dataset=dict(balanced=False, labeled_ratio=1.0)))
train_cfg = dict(max_epochs=100)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0))
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        eta_min=0,
        begin=0,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True)
]
auto_scale_lr = dict(base_batch_size=256)
