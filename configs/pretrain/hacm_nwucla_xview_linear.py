# Linear evaluation: the encoder of hacm_nwucla_xview.py, frozen, all labels.
_base_ = [
    'hacm_nwucla_xview_finetune_5p.py',
    '../_base_/schedules/sgd_linear.py'
]

model = dict(
    backbone=dict(frozen=True, drop_path_rate=0),
    cls_head=dict(
        _delete_=True,
        type='LinearProbeHead',
        num_classes=10,
        in_channels=256))
train_dataloader = dict(
    batch_size=256,
    dataset=dict(times=1, dataset=dict(balanced=False, labeled_ratio=1.0)))
optim_wrapper = dict(_base_.linear_optim, _delete_=True)
param_scheduler = _base_.linear_schedule
auto_scale_lr = dict(base_batch_size=256)
