# PSP at a size for CPUs: 140 thousand parameters instead of 5.1 million.
model = dict(
    type='PSPRecognizer',
    stream_norm=dict(type='StreamNorm'),
    backbone=dict(
        type='DSTANet',
        num_joints=25,
        blocks=[(16, 16, 4, 1), (16, 32, 8, 2), (32, 64, 16, 2)]),
    neck=dict(
        type='PyramidPolymerizingAttention', in_channels=64,
        layout='nturgb+d'),
    projector=dict(type='PooledMLP', in_channels=64),
    loss_con=dict(type='CoarseToFineContrastiveLoss', temperature=0.07),
    cls_head=dict(type='TwoStreamHead', num_classes=10, in_channels=64))
