# MAMP on all training clips of NW-UCLA, no labels, at a size for CPUs.
_base_ = [
    '../_base_/models/mamp.py', '../_base_/datasets/pretrain/nwucla_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]

model = dict(
    backbone=dict(
        layout='nwucla', num_frames=24, frames_per_token=4, embed_dims=64,
        depth=4, num_heads=2, tokens='all', fused=False),
    decoder=dict(embed_dims=64, depth=2, num_heads=2, fused=False))

train_pipeline = _base_.normalize + [
    dict(_base_.augment[0], num_frames=24)
] + _base_.other_view + _base_.pack
test_pipeline = _base_.normalize + [
    dict(_base_.resize[0], num_frames=24)
] + _base_.pack
train_dataloader = dict(
    num_workers=0, dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(type='BFloat16OptimWrapper')
