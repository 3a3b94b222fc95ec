_base_ = 'mamp_nwucla_xview_finetune_5p.py'

train_dataloader = dict(
    dataset=dict(times=4, dataset=dict(labeled_ratio=0.1)))
