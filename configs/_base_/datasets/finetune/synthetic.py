# The labelled synthetic clips, cropped, resized to 24 frames and rotated.
_base_ = '../synthetic.py'

augment = [
    dict(type='RandomCropPose', num_frames=24),
    dict(type='RandomRotatePose', angles=(0.3, 0.3, 0.3))
]
resize = [dict(augment[0], min_share=1)]  # all of a clip
train_pipeline = _base_.normalize + augment + _base_.pack
test_pipeline = _base_.normalize + resize + _base_.pack

train_dataloader = dict(
    dataset=dict(
        times=1,
        dataset=dict(
            dataset=dict(pipeline=train_pipeline))))
custom_hooks = []
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=64, dataset=dict(pipeline=test_pipeline))
