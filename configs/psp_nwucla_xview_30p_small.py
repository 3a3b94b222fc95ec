# psp_nwucla_xview_5p_small.py with 30% labels, epochs of about the length.
_base_ = 'psp_nwucla_xview_5p_small.py'

train_dataloader = dict(
    dataset=dict(times=2, dataset=dict(labeled_ratio=0.3)))
