# Pseudo-Label with 5% of the labels, NTU RGB+D, cross-subject.
_base_ = '../_base_/methods/ntu60_xsub_5p.py'

model = dict(methods=[
    dict(type='PseudoLabel', mask=dict(type='FixedThreshold', threshold=0.95))
])
