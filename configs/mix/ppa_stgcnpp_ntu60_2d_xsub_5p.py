# PSP Learning with ST-GCN++ as encoder on 2D key points, 5% labels.
_base_ = '../psp_ntu60_2d_xsub_5p.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout='coco', mode='spatial')))
