# Labels only (A1): psp_nwucla_xview_5p_views.py without the contrast.
_base_ = 'psp_nwucla_xview_5p_views.py'

model = dict(neck=None, projector=None, loss_con=None)
custom_hooks = []
