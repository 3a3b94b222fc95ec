# The labelled clips of NW-UCLA, cropped, resized to 48 frames, rotated and
# sheared.
_base_ = '../nwucla_3d.py'

augment = [dict(type='RandomCropPose', num_frames=48)] + _base_.other_view
resize = [dict(augment[0], min_share=1)]  # all of a clip
train_pipeline = _base_.normalize + augment + _base_.pack
test_pipeline = _base_.normalize + resize + _base_.pack

train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
custom_hooks = []
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=test_pipeline))
