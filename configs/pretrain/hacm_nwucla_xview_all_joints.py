# hacm_nwucla_xview.py with every joint a token, as PSP needs them.
_base_ = 'hacm_nwucla_xview.py'

model = dict(backbone=dict(tokens='all'))
