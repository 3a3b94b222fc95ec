# The demo: PSP on synthetic actions, 5 labelled clips a class, no download.
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp_small.py',
    '_base_/datasets/synthetic.py', '_base_/schedules/sgd_small.py'
]

train_cfg = dict(max_epochs=20, val_interval=5)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], milestones=[12, 17])
]
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=3))
