# PSP Learning with ST-GCN as encoder on NTU RGB+D, cross-subject, 5% labels.
_base_ = '../psp_ntu60_xsub_5p.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='STGCN',
        graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial')))
