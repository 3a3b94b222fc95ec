# psp_nwucla_xview_5p.py with augmentation that differs between the streams, so
# that the contrast's positives are two cameras' views of a clip, and the
# labelled clips in the unlabelled pool. Chosen on the training views at small
# size, see docs/results/psp.md. Not in the paper, which gives no augmentation.
_base_ = 'psp_nwucla_xview_5p.py'

train_pipeline = _base_.normalize + [
    dict(
        type='StreamsApart',
        transforms=_base_.other_view +
        _base_.train_pipeline[len(_base_.normalize):-len(_base_.pack)])
] + _base_.pack
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            include_labeled=True, dataset=dict(pipeline=train_pipeline))))
