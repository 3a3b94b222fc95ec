# Labels only (A1 of the paper): psp_synthetic_5p.py without the contrast.
_base_ = 'psp_synthetic_5p.py'

model = dict(neck=None, projector=None, loss_con=None)
custom_hooks = []
