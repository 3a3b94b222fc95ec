# PSP on NW-UCLA at a size that one CPU core trains in five to six minutes:
# fewer channels, frames, epochs and clips than psp_nwucla_xview_5p.py. Each
# stream is rotated and sheared with random values of its own: the contrast's
# positives are two cameras' views of a clip, and the labelled clips are in the
# unlabelled pool. Chosen on the training views, see docs/results/psp.md.
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp_small.py',
    '_base_/datasets/nwucla_3d.py', '_base_/schedules/sgd_small.py'
]
from psp_plugin.configs import change_data

# No workers: forking them costs a training on CPU more than the loading, see
# docs/guides/speed.md.
change_data(
    _base_, frames=24, batch_size=16, unlabeled_batch_size=48, num_workers=0)

model = dict(
    backbone=dict(num_joints=20, channels_last=True),
    neck=dict(layout='nwucla', part_to_joint=0.1, body_to_joint=0.2))

train_pipeline = _base_.normalize + [
    dict(
        type='StreamsApart',
        transforms=_base_.other_view +
        _base_.train_pipeline[len(_base_.normalize):-len(_base_.pack)])
] + _base_.pack
train_dataloader = dict(
    dataset=dict(
        times=8,
        dataset=dict(
            include_labeled=True, dataset=dict(pipeline=train_pipeline))))
val_dataloader = dict(batch_size=64)

optim_wrapper = dict(type='BFloat16OptimWrapper')
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=3))
