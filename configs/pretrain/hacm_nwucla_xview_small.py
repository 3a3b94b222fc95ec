# HA-CM on all training clips of NW-UCLA, no labels, at a size for CPUs.
_base_ = [
    '../_base_/models/hacm.py', '../_base_/datasets/pretrain/nwucla_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]
from psp_plugin.configs import change_data

change_data(
    _base_,
    frames=24,
    num_workers=0,
    # Not in use, and in the hash of measured runs as they are.
    keep=('augment', 'resize', 'val_pipeline'))

model = dict(
    backbone=dict(
        layout='nwucla', frames_per_token=4, embed_dims=64,
        depth=4, num_heads=2, tokens='all', fused=False),
    masking=dict(embed_dims=64),
    decoder=dict(embed_dims=64, depth=2, num_heads=2, fused=False))

optim_wrapper = dict(type='BFloat16OptimWrapper')
