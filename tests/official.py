"""Names of the authors' released implementation, mapped to this package's."""
import re
from typing import Dict

import torch

# Its spatial (`s`) and temporal (`t`) units, by the same rules.
_UNIT = {
    'in_net': 'attention.query_key',
    'alpha': 'attention.alpha',
    'attention0': 'attention.global_map',
    'out_net': 'merge',
    'ff_net': 'feed_forward',
}
_PREFIX = {
    'input_map': 'backbone.embed',
    'att_b': 'neck.levels.body',
    'att_pb': 'neck.levels.part',
    'att_jpb': 'neck.levels.joint',
    'mlp': 'projector.mlp',
    'fc': 'cls_head.fc',
}
_LEVEL = {'in_nets': 'query_key_value', 'ff_nets': 'feed_forward'}
# Buffers that are constants: position codes and the zero map.
_CONSTANT = ('pes', 'pet', 'atts', 'attt')


def convert_state(state: Dict[str, torch.Tensor],
                  temporal: str) -> Dict[str, torch.Tensor]:
    """Renames an official state dict; ``temporal`` as in ``DSTANet``."""
    out = {}
    for key, value in state.items():
        head, _, rest = key.partition('.')
        if head == 'graph_layers':
            block, name, rest = re.fullmatch(r'(\d+)\.(\w+)\.?(.*)',
                                             rest).groups()
            if name in _CONSTANT:
                continue
            if name.startswith(('alpha', 'attention0')):
                value = value[0]
            unit, name = _block_name(name, temporal)
            new = f'backbone.layers.{2 * int(block) + unit}.{name}'
            new += f'.{rest}' if rest else ''
        elif head.startswith('att_'):
            name, _, rest = rest.partition('.')
            new = f'{_PREFIX[head]}.{_LEVEL[name]}.{rest}'
        else:
            new = f'{_PREFIX[head]}.{rest}'
        out[new] = value
    return out


def _block_name(name: str, temporal: str):
    if name.startswith('down'):
        axis, number = name[4], name[5]
        if axis == 't' and temporal == 'conv':
            return 1, 'residual'
        return 'st'.index(axis), f'residual{number}'
    axis = name[-1]
    if axis == 't' and temporal == 'conv':
        return 1, 'conv'
    return 'st'.index(axis), _UNIT[name[:-1]]
