# MAMP (arXiv 2308.07092) at the released sizes.
model = dict(
    type='HACMPretrainer',
    backbone=dict(
        type='SkeletonTransformer', layout='nturgb+d', num_frames=120,
        frames_per_token=4, tokens='all', hyperbolic=False),
    masking=dict(type='MotionAwareMasking'),
    decoder=dict(type='MaskedMotionDecoder'),
    loss_rec=dict(type='MaskedMotionLoss', hyperbolic=False))
