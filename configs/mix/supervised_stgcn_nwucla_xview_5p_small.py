# Labels only: ppa_stgcn_nwucla_xview_5p_small.py without the contrast.
_base_ = 'ppa_stgcn_nwucla_xview_5p_small.py'

model = dict(neck=None, projector=None, loss_con=None)
custom_hooks = []
