# The encoder of mamp_synthetic.py, fine-tuned on 5 clips a class.
_base_ = 'hacm_synthetic_finetune_5p.py'

model = dict(
    backbone=dict(
        hyperbolic=False,
        init_cfg=dict(checkpoint='work_dirs/mamp_synthetic/epoch_200.pth')))
