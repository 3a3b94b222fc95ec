# Linear evaluation of HA-CM and MAMP. Under names of their own, as the config
# that is based on this one has another optimiser to be replaced.
linear_optim = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0))
linear_schedule = [
    dict(
        type='CosineAnnealingLR',
        eta_min=0,
        begin=0,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True)
]
