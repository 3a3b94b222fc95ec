# Section 4.2 of the paper; it gives the warm-up's length, not its shape.
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=300, val_begin=1, val_interval=5)
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
        end=20,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[76, 130], gamma=0.1, by_epoch=True)
]

auto_scale_lr = dict(enable=False, base_batch_size=128)
