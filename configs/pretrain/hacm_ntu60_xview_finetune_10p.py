# The encoder of hacm_ntu60_xview.py, fine-tuned on 10% of the clips.
_base_ = 'hacm_ntu60_xsub_finetune_10p.py'

model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint='work_dirs/hacm_ntu60_xview/epoch_400.pth')))
train_dataloader = dict(
    dataset=dict(dataset=dict(dataset=dict(split='xview_train'))))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = dict(dataset=dict(split='xview_val'))
