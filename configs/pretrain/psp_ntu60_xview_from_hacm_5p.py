# psp_ntu60_xview_5p.py on the encoder of
# hacm_ntu60_xview_all_joints.py, with its frames and
# augmentation, and AdamW.
_base_ = 'psp_ntu60_xsub_from_hacm_5p.py'

model = dict(
    backbone=dict(
        init_cfg=dict(
            checkpoint='work_dirs/hacm_ntu60_xview_all_joints/epoch_400.pth')))
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(split='xview_train'))))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = dict(dataset=dict(split='xview_val'))
