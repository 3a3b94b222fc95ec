# hacm_synthetic_finetune_5p.py from random weights.
_base_ = 'hacm_synthetic_finetune_5p.py'

model = dict(
    backbone=dict(
        init_cfg=dict(
            _delete_=True,
            type='Xavier',
            layer='Linear',
            distribution='uniform')))
optim_wrapper = dict(
    optimizer=dict(lr=3e-4), paramwise_cfg=dict(layer_decay=1.0))
