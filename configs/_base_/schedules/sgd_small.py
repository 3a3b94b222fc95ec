# The NW-UCLA optimiser of the paper, with a schedule of 32 epochs.
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=32, val_begin=1, val_interval=8)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='SGD', lr=0.06, momentum=0.9, weight_decay=1e-4, nesterov=True))
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        begin=0,
        end=2,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[20, 28], gamma=0.1, by_epoch=True)
]

auto_scale_lr = dict(enable=False, base_batch_size=32)
