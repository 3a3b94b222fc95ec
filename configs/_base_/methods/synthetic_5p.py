# The compared methods with the encoder, clips and steps of
# psp_synthetic_5p.py, whose clips as they come are the weak view. The strong
# view: docs/guides/semi_supervised.md.
_base_ = ['../../psp_synthetic_5p.py', 'strong_view.py']

model = dict(
    _delete_=True,
    type='SemiSupervisedRecognizer',
    stream_norm=_base_.model.stream_norm,
    backbone=_base_.model.backbone,
    cls_head=_base_.model.cls_head)

# Methods that need both views take unlabeled_pipeline=_base_.weak_and_strong.
weak = _base_.train_pipeline[len(_base_.normalize):-len(_base_.pack)]
strong = [
    dict(type='RandomRotatePose', angles=(0.17, 0.17, 0.52)),
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
    dataset=dict(dataset=dict(unlabeled_pipeline=weak_alone)))
