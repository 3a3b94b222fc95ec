# Labels only (A1): psp_nwucla_xview_5p_small_views.py, no contrast.
_base_ = 'psp_nwucla_xview_5p_small_views.py'

model = dict(neck=None, projector=None, loss_con=None)
custom_hooks = []
