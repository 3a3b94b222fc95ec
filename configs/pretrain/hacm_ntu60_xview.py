# HA-CM on NTU RGB+D 60, cross-view: all training clips, no labels.
_base_ = [
    '../_base_/models/hacm.py', '../_base_/datasets/pretrain/ntu60_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]
from psp_plugin.configs import change_data

change_data(_base_, splits=('xview_train', 'xview_val'))
