# hacm_ntu60_xview.py with every joint a token, as PSP needs them.
_base_ = 'hacm_ntu60_xview.py'

model = dict(backbone=dict(tokens='all'))
