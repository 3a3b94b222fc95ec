# What the compared methods share on every dataset: the rest of the strong view
# after scaling and mirroring, and the last step of a view's pipeline, with the
# keys that FlexMatch and the log need.
crop_and_spoil = [
    dict(type='RandomCropPose', min_share=0.5),
    dict(type='GaussianNoisePose', sigma=0.01),
    dict(type='RandomMaskJoints', share=(0.1, 0.4)),
]
pack_inputs = [
    dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'sample_idx', 'revealed_label'))
]
