# psp_ntu60_2d_xsub_5p.py, named as the toolbox names its configs.
_base_ = '../../psp_ntu60_2d_xsub_5p.py'
