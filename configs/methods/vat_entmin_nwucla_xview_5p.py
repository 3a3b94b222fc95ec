# VAT + EntMin with 5% of the labels, NW-UCLA.
_base_ = '../_base_/methods/nwucla_xview_5p.py'

ramp = dict(type='LinearRamp', end=0.1)
model = dict(methods=[
    dict(type='VAT', ramp=ramp),
    dict(type='EntropyMinimization', ramp=ramp)
])
