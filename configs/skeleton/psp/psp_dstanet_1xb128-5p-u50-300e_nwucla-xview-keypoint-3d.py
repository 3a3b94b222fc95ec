# psp_nwucla_xview_5p.py, named as the toolbox names its configs.
_base_ = '../../psp_nwucla_xview_5p.py'
