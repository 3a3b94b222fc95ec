# A2 of the paper, without PPA, at the size of psp_nwucla_xview_5p_small.py.
_base_ = 'psp_nwucla_xview_5p_small.py'

model = dict(
    neck=dict(
        _delete_=True, type='PyramidPooling', in_channels=64,
        layout=_base_.model.neck.layout))
