# mix/ppa_stgcn_ntu60_xsub_5p.py, named as the toolbox names its configs.
_base_ = '../../mix/ppa_stgcn_ntu60_xsub_5p.py'
