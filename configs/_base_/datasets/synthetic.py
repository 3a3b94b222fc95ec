# Synthetic actions, drawn as they are loaded.
_base_ = 'semi_supervised.py'
from psp_plugin.configs import change_data

# No workers: forking them costs a training on CPU more than the loading, see
# docs/guides/speed.md.
change_data(
    _base_, batch_size=32, unlabeled_batch_size=64, num_workers=0)

dataset_type = 'SyntheticSkeletonDataset'
# Augmentation goes between these two (docs/guides/augmentation.md).
normalize = [
    dict(type='NormalizeSkeleton3D', center=1, zaxis=(0, 1), xaxis=(8, 4)),
]
features = [dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm'])]
prepare = normalize + features
pack = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs', meta_keys=('frame_dir', )),
]


# MMEngine leaves functions out of the merged config.
def pipeline(**options):
    return prepare + [
        dict(type='UniformSamplePose', clip_len=32, **options)
    ] + pack


train_pipeline = pipeline()
val_pipeline = pipeline(num_clips=1, test_mode=True)
test_pipeline = pipeline(num_clips=10, test_mode=True)

train_dataloader = dict(
    dataset=dict(
        times=10,
        dataset=dict(
            labeled_ratio=0.05,
            dataset=dict(
                _delete_=True,
                type=dataset_type,
                split='train',
                num_clips=1000,
                pipeline=train_pipeline))))
val_dataloader = dict(
    batch_size=128,
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        split='val',
        num_clips=500,
        pipeline=val_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=32,
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        split='val',
        num_clips=500,
        pipeline=test_pipeline,
        test_mode=True))
