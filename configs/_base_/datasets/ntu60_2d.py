# NTU RGB+D as 2D key points (HRNet, COCO joints) with their scores, which
# the motion half repeats as they are: the motion of a score is no motion.
_base_ = 'ntu60_3d.py'
from psp_plugin.configs import change_data

ann_file = 'data/skeleton/ntu60_2d.pkl'
change_data(_base_, ann_file=ann_file)

normalize = [dict(type='PreNormalize2D')]
features = [dict(type='GenSkeFeat', dataset='coco', feats=['j', 'jm'])]
prepare = normalize + features
train_pipeline = prepare + _base_.train_pipeline[len(_base_.prepare):]
val_pipeline = prepare + _base_.val_pipeline[len(_base_.prepare):]
test_pipeline = prepare + _base_.test_pipeline[len(_base_.prepare):]

train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(pipeline=train_pipeline))))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
