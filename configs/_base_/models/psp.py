# The sizes released with the paper: 5.1 M parameters at 25 joints.
model = dict(
    type='PSPRecognizer',
    # Scales joint and motion to the same range; None leaves the input as is.
    stream_norm=dict(type='StreamNorm'),
    backbone=dict(type='DSTANet', num_joints=25),
    neck=dict(
        type='PyramidPolymerizingAttention',
        in_channels=256,
        layout='nturgb+d',
        body_to_part=0.2,
        part_to_joint=0.12,
        body_to_joint=0.24),
    projector=dict(type='PooledMLP', in_channels=256),
    loss_con=dict(type='CoarseToFineContrastiveLoss', temperature=0.07),
    cls_head=dict(type='TwoStreamHead', num_classes=60, in_channels=256))
