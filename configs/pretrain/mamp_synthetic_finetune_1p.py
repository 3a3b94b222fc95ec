_base_ = 'mamp_synthetic_finetune_5p.py'

train_dataloader = dict(
    dataset=dict(times=50, dataset=dict(labeled_ratio=0.01)))
