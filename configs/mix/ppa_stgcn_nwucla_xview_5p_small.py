# ppa_stgcn_nwucla_xview_5p.py at a size for two CPU cores: fewer channels
# and stages, and the data and schedule of the small DSTA config.
_base_ = '../psp_nwucla_xview_5p_small.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='STGCN',
        base_channels=16,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
        graph_cfg=dict(layout=_base_.graph_layout, mode='stgcn_spatial')))
