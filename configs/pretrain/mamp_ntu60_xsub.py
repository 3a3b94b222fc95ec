# MAMP on NTU RGB+D 60, cross-subject: all training clips, no labels.
_base_ = [
    '../_base_/models/mamp.py', '../_base_/datasets/pretrain/ntu60_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]
from psp_plugin.configs import change_data

change_data(_base_, frames=120, batch_size=128)

auto_scale_lr = dict(base_batch_size=128)
