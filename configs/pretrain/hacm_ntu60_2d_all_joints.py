# hacm_ntu60_2d.py with every joint a token, as PSP needs them.
_base_ = 'hacm_ntu60_2d.py'

model = dict(backbone=dict(tokens='all'))
