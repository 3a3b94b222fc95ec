# Labels only (A1 of the paper): psp_nwucla_xview_5p_small.py, no contrast.
_base_ = 'psp_nwucla_xview_5p_small.py'

model = dict(neck=None, projector=None, loss_con=None)
custom_hooks = []
