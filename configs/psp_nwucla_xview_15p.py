# PSP Learning on NW-UCLA, views 1 and 2 to 3, 15% labels (paper: 77.8).
_base_ = 'psp_nwucla_xview_5p.py'

train_dataloader = dict(
    dataset=dict(times=7, dataset=dict(labeled_ratio=0.15)))
