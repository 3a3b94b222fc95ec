# PSP Learning with AAGCN as encoder on NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = '../psp_nwucla_xview_5p.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='AAGCN',
        num_person=1,
        graph_cfg=dict(layout=_base_.graph_layout, mode='spatial')))
