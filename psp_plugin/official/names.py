"""The released implementation's names of our weights, one set of rules.

Temporal units may be the 7x1 convolution of PSP or DSTA-Net's own attention.
"""
import re

from psp_plugin.errors import InputError

_PREFIX = {
    'backbone.embed.': 'input_map.',
    'neck.levels.body.': 'att_b.',
    'neck.levels.part.': 'att_pb.',
    'neck.levels.joint.': 'att_jpb.',
    'projector.mlp.': 'mlp.',
    'cls_head.fc.': 'fc.',
}
_LEVEL = {'query_key_value': 'in_nets', 'feed_forward': 'ff_nets'}
# Inside an encoder block, where {} is its axis: s (space) or t (time).
_UNIT = {
    'attention.query_key': 'in_net{}',
    'attention.alpha': 'alpha{}',
    'attention.global_map': 'attention0{}',
    'merge': 'out_net{}',
    'feed_forward': 'ff_net{}',
    'residual1': 'down{}1',
    'residual2': 'down{}2',
    'conv': 'out_net{}',  # of the 7x1 convolution,
    'residual': 'down{}2',  # as this one
}


def official_name(name: str) -> str:
    """The released implementation's name of one of our weights.

    Args:
        name (str): Key of a ``PSPRecognizer``'s state dict, its encoder a
            ``DSTANet``.

    Raises:
        InputError: If the released implementation has no such weight.
    """
    layer = re.fullmatch(r'backbone\.layers\.(\d+)\.(.+)', name)
    if layer:
        block, temporal = divmod(int(layer[1]), 2)
        for ours, theirs in _UNIT.items():
            if f'{layer[2]}.'.startswith(f'{ours}.'):
                theirs = theirs.format('st'[temporal])
                return f'graph_layers.{block}.{theirs}{layer[2][len(ours):]}'
    for ours, theirs in _PREFIX.items():
        if name.startswith(ours):
            part, dot, rest = name[len(ours):].partition('.')
            return theirs + _LEVEL.get(part, part) + dot + rest
    raise InputError(
        f'the released implementation has no weight for the model\'s {name}: '
        'its encoder is DSTANet and its neck PyramidPolymerizingAttention')
