# PSP Learning on NTU RGB+D, cross-subject, 5% labels (paper, table 2: 72.2).
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp.py',
    '_base_/datasets/ntu60_3d.py', '_base_/schedules/sgd_ntu60.py'
]

default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=3))
