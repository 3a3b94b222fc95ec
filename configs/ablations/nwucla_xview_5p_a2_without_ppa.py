# A2 of the paper, without PPA: the pyramid itself is contrasted.
# NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = '../psp_nwucla_xview_5p.py'

model = dict(
    neck=dict(
        _delete_=True, type='PyramidPooling', in_channels=256,
        layout=_base_.model.neck.layout))
