_base_ = 'mamp_ntu60_xsub_finetune_10p.py'

train_dataloader = dict(dataset=dict(dataset=dict(labeled_ratio=0.05)))
