# The toolbox's own ST-GCN config, all labels, its features refined by PPA.
_base_ = 'mmaction::skeleton/stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'  # noqa: E501
custom_imports = dict(imports=['psp_plugin'], allow_failed_imports=False)

model = dict(
    type='RecognizerGCNWithNeck',
    neck=dict(
        type='PyramidRefiningNeck', in_channels=256, layout='nturgb+d'))
