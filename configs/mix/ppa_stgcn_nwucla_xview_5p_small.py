# ppa_stgcn_nwucla_xview_5p.py at a size for two CPU cores: fewer channels
# and stages, and the data, schedule and loss weight of the small DSTA config.
_base_ = '../psp_nwucla_xview_5p_small.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='STGCN',
        base_channels=16,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
        graph_cfg=dict(layout=_base_.graph_layout, mode='stgcn_spatial')))

# As a displacement per frame, motion is lost in the first batch norm, and the
# features of all clips become one (loss_con = log(2N - 1)).
prepare = _base_.prepare + [dict(type='ScaleMotion', factor=30)]
train_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=32)
] + _base_.pack
val_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=32, num_clips=1, test_mode=True)
] + _base_.pack
test_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=32, num_clips=10, test_mode=True)
] + _base_.pack

train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
