# PSP Learning on recordings of your own: a file of labelled clips, a file of
# unlabelled ones. tools/data/convert_skeletons.py writes such files; joints
# as in NTU RGB+D, for others see "Joint layouts" in docs/guides/encoders.md.
# Edit the variables here: --cfg-options cannot change them.
_base_ = 'psp_ntu60_xsub_5p.py'
from psp_plugin.configs import change_data

labeled_file = 'data/skeleton/labeled.pkl'
unlabeled_file = 'data/skeleton/unlabeled.pkl'
change_data(_base_, ann_file=labeled_file, splits=('train', 'val'))

model = dict(cls_head=dict(num_classes=60))  # set it to yours
train_dataloader = dict(
    dataset=dict(
        # Passes over the labelled clips in an epoch: all clips by labelled
        # ones make an epoch as long as one pass over all.
        times=20,
        dataset=dict(
            _delete_=True,
            type='CheckedPoseDataset',
            ann_file=labeled_file,
            split='train',
            need_label=True,
            pipeline=_base_.train_pipeline)))
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=64,
            num_workers=4,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='CheckedPoseDataset',
                ann_file=unlabeled_file,
                split='unlabeled',
                drop_labels=True,
                pipeline=_base_.train_pipeline)))
]
