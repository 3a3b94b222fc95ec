# HA-CM (arXiv 2409.17951) at the released sizes: 8.9 M parameters.
model = dict(
    type='HACMPretrainer',
    backbone=dict(
        type='SkeletonTransformer', layout='nturgb+d', num_frames=72),
    masking=dict(type='CrossMasking'),
    decoder=dict(type='MaskedMotionDecoder'),
    loss_rec=dict(type='MaskedMotionLoss'),
    loss_cc=dict(type='CrossContrastLoss'))
