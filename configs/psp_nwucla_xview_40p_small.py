# psp_nwucla_xview_5p_small.py with 40% labels and about the same steps.
_base_ = 'psp_nwucla_xview_5p_small.py'

train_dataloader = dict(
    dataset=dict(times=1, dataset=dict(labeled_ratio=0.4)))
