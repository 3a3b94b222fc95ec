# NTU RGB+D, cross-subject.
_base_ = 'semi_supervised.py'
from psp_plugin.configs import change_data

ann_file = 'data/skeleton/ntu60_3d.pkl'
change_data(
    _base_,
    ann_file=ann_file,
    splits=('xsub_train', 'xsub_val'),
    batch_size=64,
    num_workers=4)

# Augmentation goes between these two (docs/guides/augmentation.md).
normalize = [
    dict(type='NormalizeSkeleton3D', center=1, zaxis=(0, 1), xaxis=(8, 4)),
]
features = [dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm'])]
prepare = normalize + features
pack = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs', meta_keys=('frame_dir', )),
]


# MMEngine leaves functions out of the merged config.
def pipeline(**options):
    return prepare + [
        dict(type='UniformSamplePose', clip_len=50, **options)
    ] + pack


train_pipeline = pipeline()
val_pipeline = pipeline(num_clips=1, test_mode=True)
test_pipeline = pipeline(num_clips=10, test_mode=True)

train_dataloader = dict(
    dataset=dict(
        times=20,  # makes one epoch about one pass over all training clips
        dataset=dict(
            labeled_ratio=0.05, dataset=dict(pipeline=train_pipeline))))
val_dataloader = dict(
    persistent_workers=True, dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(
    persistent_workers=True, dataset=dict(pipeline=test_pipeline))
