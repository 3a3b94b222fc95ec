# Pseudo-Label with 5% of the labels, NW-UCLA.
_base_ = '../_base_/methods/nwucla_xview_5p.py'

model = dict(methods=[
    dict(
        type='PseudoLabel',
        mask=dict(type='FixedThreshold', threshold=0.95),
        ramp=dict(type='LinearRamp', end=0.1))
])
