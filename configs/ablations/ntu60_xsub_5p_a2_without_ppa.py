# A2 of the paper, without PPA: the pyramid itself is contrasted.
# NTU RGB+D, cross-subject, 5% labels.
_base_ = '../psp_ntu60_xsub_5p.py'

model = dict(
    neck=dict(
        _delete_=True, type='PyramidPooling', in_channels=256,
        layout=_base_.model.neck.layout))
