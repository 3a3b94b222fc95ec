# psp_ntu60_xsub_5p.py with clips that are rotated, as is usual on NTU, and the
# labelled clips in the unlabelled pool: what the compared methods have, too.
# Not in the paper, which gives no augmentation.
_base_ = 'psp_ntu60_xsub_5p.py'

weak = [
    dict(type='RandomRotatePose', angles=(0.3, 0.3, 0.3)),
] + _base_.train_pipeline[len(_base_.normalize):-len(_base_.pack)]
train_pipeline = _base_.normalize + weak + _base_.pack
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            include_labeled=True, dataset=dict(pipeline=train_pipeline))))
