# psp_nwucla_xview_5p_small.py with 15% labels and about the same steps.
_base_ = 'psp_nwucla_xview_5p_small.py'

train_dataloader = dict(
    dataset=dict(times=3, dataset=dict(labeled_ratio=0.15)))
train_cfg = dict(max_epochs=28, val_interval=7)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        begin=0,
        end=2,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[17, 24], gamma=0.1, by_epoch=True)
]
default_hooks = dict(checkpoint=dict(interval=7))
