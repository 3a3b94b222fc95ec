# The demo: PSP on synthetic actions, 5 labelled clips a class, no download.
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp_small.py',
    '_base_/datasets/synthetic.py', '_base_/schedules/sgd_small.py'
]

train_cfg = dict(max_epochs=20, val_interval=5)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        begin=0,
        end=2,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[12, 17], gamma=0.1, by_epoch=True)
]
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=3))
