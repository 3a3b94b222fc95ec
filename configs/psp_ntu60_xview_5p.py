# PSP Learning on NTU RGB+D, cross-view, 5% labels (paper, table 2: 76.3).
_base_ = 'psp_ntu60_xsub_5p.py'
from psp_plugin.configs import change_data

change_data(_base_, splits=('xview_train', 'xview_val'))
