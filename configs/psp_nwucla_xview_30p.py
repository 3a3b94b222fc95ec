# PSP Learning on NW-UCLA, views 1 and 2 to 3, 30% labels (paper: 80.6).
_base_ = 'psp_nwucla_xview_5p.py'

train_dataloader = dict(dataset=dict(times=3, dataset=dict(labeled_ratio=0.3)))
