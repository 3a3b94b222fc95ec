_base_ = 'hacm_ntu60_2d_finetune_10p.py'

train_dataloader = dict(dataset=dict(dataset=dict(labeled_ratio=0.05)))
