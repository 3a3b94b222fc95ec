# MAMP on NTU RGB+D 60, cross-view: all training clips, no labels.
_base_ = 'mamp_ntu60_xsub.py'
from psp_plugin.configs import change_data

change_data(_base_, splits=('xview_train', 'xview_val'))
