# Pseudo-Label with 5% of the labels, NW-UCLA, small.
_base_ = '../_base_/methods/nwucla_xview_5p_small.py'

model = dict(methods=[
    dict(type='PseudoLabel', mask=dict(type='FixedThreshold', threshold=0.95))
])
