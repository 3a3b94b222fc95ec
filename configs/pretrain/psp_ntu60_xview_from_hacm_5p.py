# psp_ntu60_xview_5p.py on the encoder of
# hacm_ntu60_xview_all_joints.py, with its frames and
# augmentation, and AdamW.
_base_ = 'psp_ntu60_xsub_from_hacm_5p.py'
from psp_plugin.configs import change_data

change_data(_base_, splits=('xview_train', 'xview_val'))

model = dict(
    backbone=dict(
        init_cfg=dict(
            checkpoint='work_dirs/hacm_ntu60_xview_all_joints/epoch_400.pth')))
