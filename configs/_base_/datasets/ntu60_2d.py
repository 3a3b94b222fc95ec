# NTU RGB+D as 2D key points (HRNet, COCO joints) with their scores, which
# the motion half repeats as they are: the motion of a score is no motion.
_base_ = 'ntu60_3d.py'
ann_file = 'data/skeleton/ntu60_2d.pkl'

normalize = [dict(type='PreNormalize2D')]
features = [dict(type='GenSkeFeat', dataset='coco', feats=['j', 'jm'])]
prepare = normalize + features
train_pipeline = prepare + [dict(type='UniformSamplePose', clip_len=50)
                            ] + _base_.pack
val_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=50, num_clips=1, test_mode=True)
] + _base_.pack
test_pipeline = prepare + [
    dict(type='UniformSamplePose', clip_len=50, num_clips=10, test_mode=True)
] + _base_.pack

train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            dataset=dict(ann_file=ann_file, pipeline=train_pipeline))))
val_dataloader = dict(
    dataset=dict(ann_file=ann_file, pipeline=val_pipeline))
test_dataloader = dict(
    dataset=dict(ann_file=ann_file, pipeline=test_pipeline))
