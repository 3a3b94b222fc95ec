# Pseudo-Label with 5% of the labels, synthetic actions.
_base_ = '../_base_/methods/synthetic_5p.py'

model = dict(methods=[
    dict(type='PseudoLabel', mask=dict(type='FixedThreshold', threshold=0.95))
])
