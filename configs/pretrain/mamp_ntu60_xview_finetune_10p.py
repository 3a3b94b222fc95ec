# The encoder of mamp_ntu60_xview.py, fine-tuned on 10% of the clips.
_base_ = 'mamp_ntu60_xsub_finetune_10p.py'
from psp_plugin.configs import change_data

change_data(_base_, splits=('xview_train', 'xview_val'))

model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint='work_dirs/mamp_ntu60_xview/epoch_400.pth')))
