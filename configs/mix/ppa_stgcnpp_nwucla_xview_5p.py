# PSP Learning with ST-GCN++ as encoder on NW-UCLA, views 1, 2 to 3, 5% labels.
_base_ = '../psp_nwucla_xview_5p.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout=_base_.graph_layout, mode='spatial')))
