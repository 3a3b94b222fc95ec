# NW-UCLA: views 1 and 2 train, view 3 tests.
_base_ = 'semi_supervised.py'
from psp_plugin.configs import change_data

ann_file = 'data/skeleton/nwucla_3d.pkl'
change_data(
    _base_,
    ann_file=ann_file,
    splits=('xview_train', 'xview_val'),
    batch_size=128,
    num_workers=2)

metainfo = dict(
    classes=[
        'pick up with one hand', 'pick up with two hands', 'drop trash',
        'walk around', 'sit down', 'stand up', 'donning', 'doffing', 'throw',
        'carry',
    ])
# The joint layout for the toolbox's GCNs, which do not know it by name.
graph_layout = dict(
    num_node=20,
    inward=[(1, 0), (2, 1), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6), (8, 2),
            (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13), (15, 14),
            (16, 0), (17, 16), (18, 17), (19, 18)],
    center=2)

# Joint 2 is the shoulder centre; Kinect v1's spine joint is close to the hip.
# Joint and motion need no table of bones, so the toolbox's need not fit.
# Augmentation goes between these two (docs/guides/augmentation.md).
normalize = [
    dict(type='NormalizeSkeleton3D', center=1, zaxis=(0, 2), xaxis=(8, 4)),
]
features = [dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm'])]
prepare = normalize + features
# What the small and the *_views configs draw for each stream: radians about
# x, y and the vertical, 60 degrees about the latter.
other_view = [
    dict(type='RandomRotatePose', angles=(0.17, 0.17, 1.05)),
    dict(type='RandomShearPose', factor=0.2),
]
pack = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
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
            labeled_ratio=0.05,
            dataset=dict(metainfo=metainfo, pipeline=train_pipeline))))
val_dataloader = dict(
    batch_size=128,
    persistent_workers=True,
    dataset=dict(metainfo=metainfo, pipeline=val_pipeline))
test_dataloader = dict(
    persistent_workers=True,
    dataset=dict(metainfo=metainfo, pipeline=test_pipeline))
