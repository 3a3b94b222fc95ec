# The compared methods with the encoder, labelled clips and steps of
# psp_ntu60_xsub_5p.py. The weak view is rotated as is usual on NTU, for the
# labelled clips too; the labelled clips are in the unlabelled pool. The strong
# view: docs/methods.md.
_base_ = ['../../psp_ntu60_xsub_5p.py', 'strong_view.py']

model = dict(
    _delete_=True,
    type='SemiSupervisedRecognizer',
    stream_norm=_base_.model.stream_norm,
    backbone=_base_.model.backbone,
    cls_head=_base_.model.cls_head)

# Methods that need both views take unlabeled_pipeline=_base_.weak_and_strong.
weak = [dict(type='RandomRotatePose', angles=(0.3, 0.3, 0.3))
        ] + _base_.features + [dict(type='UniformSamplePose', clip_len=50)]
strong = [
    dict(type='RandomShearPose', factor=0.2),
    dict(type='RandomScalePose', scale=0.1),
    dict(type='RandomFlipPose', layout='nturgb+d'),
] + _base_.crop_and_spoil + weak
pack_view = _base_.pack[:-1] + _base_.pack_inputs
weak_and_strong = _base_.normalize + [
    dict(type='MultiView', weak=weak + pack_view, strong=strong + pack_view)
]
weak_alone = _base_.normalize + weak + pack_view
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            include_labeled=True,
            unlabeled_pipeline=weak_alone,
            dataset=dict(pipeline=_base_.normalize + weak + _base_.pack))))
