# What the compared methods have alike on every data set: what the strong view
# does to a scaled and mirrored clip, and the end of the pipeline of a view,
# with what FlexMatch needs of a clip and what the log may show.
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
