# The compared methods at the size of psp_nwucla_xview_5p_small.py: its encoder,
# labelled clips, steps and weak view. The strong view was chosen on the
# training views, see docs/methods.md.
_base_ = '../../supervised_nwucla_xview_5p_small.py'

model = dict(
    _delete_=True,
    type='SemiSupervisedRecognizer',
    stream_norm=_base_.model.stream_norm,
    backbone=_base_.model.backbone,
    cls_head=_base_.model.cls_head)

view_pack = _base_.pack[:-1] + [
    dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'sample_idx', 'revealed_label'))
]
sample = [dict(type='UniformSamplePose', clip_len=24)]
strong = _base_.other_view + [
    dict(type='RandomScalePose', scale=0.1),
    dict(type='RandomFlipPose', layout='nwucla'),
    dict(type='RandomCropPose', min_share=0.5),
    dict(type='GaussianNoisePose', sigma=0.01),
    dict(type='RandomMaskJoints', share=(0.1, 0.4)),
]
unlabeled_pipeline = _base_.normalize + [
    dict(
        type='MultiView',
        weak=[
            dict(
                type='StreamsApart',
                transforms=_base_.other_view + _base_.features + sample)
        ] + view_pack,
        strong=[
            dict(
                type='StreamsApart',
                transforms=strong + _base_.features + sample)
        ] + view_pack)
]
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=unlabeled_pipeline)))
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=48,
            num_workers=0,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
