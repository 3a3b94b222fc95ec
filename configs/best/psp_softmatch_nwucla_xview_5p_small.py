# PSP's contrast beside SoftMatch, NW-UCLA, small: on view 3 its mean is
# between those of PSP and of SoftMatch alone with twice its weight, undecided
# against both, see docs/results/compared.md.
_base_ = '../methods/softmatch_nwucla_xview_5p_small.py'

model = dict(
    type='PSPRecognizer',
    neck=dict(
        type='PyramidPolymerizingAttention',
        in_channels=64,
        layout='nwucla',
        part_to_joint=0.1,
        body_to_joint=0.2),
    projector=dict(type='PooledMLP', in_channels=64),
    loss_con=dict(type='CoarseToFineContrastiveLoss', temperature=0.07))
