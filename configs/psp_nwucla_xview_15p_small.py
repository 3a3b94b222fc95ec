# psp_nwucla_xview_5p_small.py with 15% labels and about the same steps.
_base_ = 'psp_nwucla_xview_5p_small.py'

train_dataloader = dict(
    dataset=dict(times=3, dataset=dict(labeled_ratio=0.15)))
train_cfg = dict(max_epochs=28, val_interval=7)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], milestones=[17, 24])
]
default_hooks = dict(checkpoint=dict(interval=7))
