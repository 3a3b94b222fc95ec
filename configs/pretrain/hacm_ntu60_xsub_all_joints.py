# hacm_ntu60_xsub.py with every joint a token, as PSP needs them.
_base_ = 'hacm_ntu60_xsub.py'

model = dict(backbone=dict(tokens='all'))
