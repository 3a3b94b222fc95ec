# The encoder of HA-CM with the classifier that it is fine-tuned with.
model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='SkeletonTransformer', layout='nturgb+d', num_frames=72,
        drop_path_rate=0.3),
    cls_head=dict(
        type='JointMLPHead', num_classes=60, in_channels=256, num_joints=18,
        label_smooth_eps=0.1))
