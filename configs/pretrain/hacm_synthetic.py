# HA-CM on synthetic skeletons: all training clips, no labels.
_base_ = [
    '../_base_/models/hacm.py', '../_base_/datasets/pretrain/synthetic.py',
    '../_base_/schedules/adamw_pretrain.py'
]

model = dict(
    backbone=dict(
        num_frames=24, embed_dims=64, depth=4, num_heads=2, fused=False,
        frames_per_token=4, tokens='all'),
    masking=dict(embed_dims=64),
    decoder=dict(embed_dims=64, depth=2, num_heads=2, fused=False))

train_cfg = dict(max_epochs=200)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=10),
    dict(_base_.param_scheduler[1], begin=10, end=200)
]

optim_wrapper = dict(type='BFloat16OptimWrapper')
