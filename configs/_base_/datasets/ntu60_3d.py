ann_file = 'data/skeleton/ntu60_3d.pkl'
metainfo = dict(
    classes=[
        'drink water', 'eat meal', 'brush teeth', 'brush hair', 'drop',
        'pick up', 'throw', 'sit down', 'stand up', 'clapping', 'reading',
        'writing', 'tear up paper', 'put on jacket', 'take off jacket',
        'put on a shoe', 'take off a shoe', 'put on glasses',
        'take off glasses', 'put on a hat/cap', 'take off a hat/cap',
        'cheer up', 'hand waving', 'kicking something', 'reach into pocket',
        'hopping', 'jump up', 'phone call', 'play with phone/tablet',
        'type on a keyboard', 'point to something', 'taking a selfie',
        'check time (from watch)', 'rub two hands', 'nod head/bow',
        'shake head', 'wipe face', 'salute', 'put palms together',
        'cross hands in front', 'sneeze/cough', 'staggering', 'falling down',
        'headache', 'chest pain', 'back pain', 'neck pain', 'nausea/vomiting',
        'fan self', 'punch/slap', 'kicking', 'pushing', 'pat on back',
        'point finger', 'hugging', 'giving object', 'touch pocket',
        'shaking hands', 'walking towards', 'walking apart',
    ])

prepare = [
    dict(type='NormalizeSkeleton3D', center=1, zaxis=(0, 1), xaxis=(8, 4)),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm']),
]
pack = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs'),
]
train_pipeline = prepare + [dict(type='UniformSamplePose', clip_len=50)
                            ] + pack
val_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=50, num_clips=1, test_mode=True)
] + pack
test_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=50, num_clips=10, test_mode=True)
] + pack

# `times` makes one epoch about one pass over the whole training set.
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RepeatDataset',
        times=20,
        dataset=dict(
            type='SemiSupervisedDataset',
            labeled_ratio=0.05,
            seed=0,
            dataset=dict(
                type='PoseDataset',
                ann_file=ann_file,
                metainfo=metainfo,
                split='xsub_train',
                pipeline=train_pipeline))))
# Its clips are those that the labelled loader above leaves.
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            batch_size=64,
            num_workers=4,
            persistent_workers=True,
            drop_last=True,
            sampler=dict(type='DefaultSampler', shuffle=True)))
]
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PoseDataset',
        ann_file=ann_file,
        metainfo=metainfo,
        split='xsub_val',
        pipeline=val_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PoseDataset',
        ann_file=ann_file,
        metainfo=metainfo,
        split='xsub_val',
        pipeline=test_pipeline,
        test_mode=True))

val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
