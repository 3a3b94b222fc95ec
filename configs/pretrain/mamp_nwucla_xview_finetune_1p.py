_base_ = 'mamp_nwucla_xview_finetune_5p.py'

train_dataloader = dict(
    dataset=dict(times=40, dataset=dict(labeled_ratio=0.01)))
