# The compared methods with the encoder, labelled clips, pool, steps and
# augmentation of psp_nwucla_xview_5p_views.py, which is the weak view. The
# strong view: docs/guides/semi_supervised.md. The learning rate falls in epoch
# 76 of 300, so methods that ramp their weight do so over the first tenth.
_base_ = ['../../psp_nwucla_xview_5p_views.py', 'strong_view.py']

model = dict(
    _delete_=True,
    type='SemiSupervisedRecognizer',
    stream_norm=_base_.model.stream_norm,
    backbone=_base_.model.backbone,
    cls_head=_base_.model.cls_head)

# Methods that need both views take unlabeled_pipeline=_base_.weak_and_strong.
weak = _base_.train_pipeline[1].transforms  # those of StreamsApart
strong = [
    dict(type='RandomScalePose', scale=0.1),
    dict(type='RandomFlipPose', layout='nwucla'),
] + _base_.crop_and_spoil + weak
pack_view = _base_.pack[:-1] + _base_.pack_inputs
weak_and_strong = _base_.normalize + [
    dict(
        type='MultiView',
        weak=[dict(type='StreamsApart', transforms=weak)] + pack_view,
        strong=[dict(type='StreamsApart', transforms=strong)] + pack_view)
]
weak_alone = _base_.normalize + [dict(type='StreamsApart', transforms=weak)
                                 ] + pack_view
train_dataloader = dict(
    dataset=dict(dataset=dict(unlabeled_pipeline=weak_alone)))
