# psp_nwucla_xview_5p_small.py with 30% labels and about the same steps.
_base_ = 'psp_nwucla_xview_5p_small.py'

train_dataloader = dict(
    dataset=dict(times=1, dataset=dict(labeled_ratio=0.3)))
train_cfg = dict(max_epochs=42, val_interval=14)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], milestones=[26, 37])
]
default_hooks = dict(checkpoint=dict(interval=14))
