"""The released implementation's network, written from its weights.

Nothing of this package's models is used: shapes and computation are those of
an official state dict, in functions.
"""
import math

import torch
import torch.nn.functional as F

# (in, out, channels of queries and keys, stride in time), as released.
BLOCKS = ((64, 64, 16, 1), (64, 64, 16, 1), (64, 128, 32, 2),
          (128, 128, 32, 1), (128, 256, 64, 2), (256, 256, 64, 1),
          (256, 256, 64, 1), (256, 256, 64, 1))
LEVELS = {'body': 'att_b', 'part': 'att_pb', 'joint': 'att_jpb'}


def conv_bn_shapes(name, inputs, outputs, kernel=1):
    statistics = ('weight', 'bias', 'running_mean', 'running_var')
    return {
        f'{name}.0.weight': (outputs, inputs, kernel, 1),
        f'{name}.0.bias': (outputs, ),
        **{f'{name}.1.{key}': (outputs, ) for key in statistics},
        f'{name}.1.num_batches_tracked': (),
    }


def official_shapes(blocks=BLOCKS, heads=4, joints=25, frames=50, classes=60):
    """Names and shapes of an official state dict."""
    shapes = conv_bn_shapes('input_map', 3, blocks[0][0])
    for i, (inputs, outputs, inner, stride) in enumerate(blocks):
        block = f'graph_layers.{i}'
        shapes.update({
            f'{block}.alphas': (1, heads, 1, 1),
            f'{block}.attention0s': (1, heads, joints, joints),
            f'{block}.atts': (1, heads, joints, joints),
            f'{block}.pes.pe': (1, inputs, frames, joints),
            f'{block}.in_nets.weight': (2 * heads * inner, inputs, 1, 1),
            f'{block}.in_nets.bias': (2 * heads * inner, ),
            **conv_bn_shapes(f'{block}.out_nets', heads * inputs, outputs),
            **conv_bn_shapes(f'{block}.ff_nets', outputs, outputs),
            **conv_bn_shapes(f'{block}.out_nett', outputs, outputs, 7),
        })
        if inputs != outputs or stride != 1:
            for down in ('downs1', 'downs2'):
                shapes.update(
                    conv_bn_shapes(f'{block}.{down}', inputs, outputs))
            shapes.update(conv_bn_shapes(f'{block}.downt2', outputs, outputs))
        frames = math.ceil(frames / stride)
    width = blocks[-1][1]
    for name in LEVELS.values():
        shapes.update({
            f'{name}.in_nets.weight': (3 * width, width, 1, 1),
            f'{name}.in_nets.bias': (3 * width, ),
            **conv_bn_shapes(f'{name}.ff_nets', width, width),
        })
    for layer in ('mlp.0', 'mlp.2'):
        shapes[f'{layer}.weight'], shapes[f'{layer}.bias'] = (
            (width, width), (width, ))
    shapes['fc.weight'], shapes['fc.bias'] = (classes, width), (classes, )
    return shapes


def position_code(channels, frames, joints):
    """The sinusoidal code of the joints, one number at a time."""
    code = torch.zeros(1, channels, frames, joints)
    for v in range(joints):
        for c in range(0, channels, 2):
            angle = v / 10000**(c / channels)
            code[0, c, :, v] = math.sin(angle)
            code[0, c + 1, :, v] = math.cos(angle)
    return code


def random_state(seed=0, **sizes):
    """An official state dict, batch norm statistics random as well."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in official_shapes(**sizes).items():
        if name.endswith('.pe'):
            state[name] = position_code(*shape[1:])
        elif name.endswith('.atts'):
            state[name] = torch.zeros(shape)
        elif name.endswith('num_batches_tracked'):
            state[name] = torch.randint(1, 1000, (), generator=generator)
        elif name.endswith('running_var'):
            state[name] = torch.rand(shape, generator=generator) + 0.5
        else:
            fan_in = math.prod(shape[1:]) or 1
            state[name] = torch.randn(shape, generator=generator) * (
                fan_in**-0.5 if len(shape) > 1 else 0.3)
    return state


def conv_bn(state, name, x, stride=1):
    weight = state[f'{name}.0.weight']
    x = F.conv2d(x, weight, state[f'{name}.0.bias'], (stride, 1),
                 (weight.size(2) // 2, 0))
    return F.batch_norm(x, *(state[f'{name}.1.{key}'] for key in (
        'running_mean', 'running_var', 'weight', 'bias')))


def block(state, name, x, stride):
    """One block on (N, C, T, V)."""
    def residual(down, stride=1):
        return conv_bn(state, f'{name}.{down}', x, stride) \
            if f'{name}.{down}.0.weight' in state else x

    def act(y):
        return F.leaky_relu(y, 0.1)

    n, _, t, v = x.shape
    heads = state[f'{name}.alphas'].size(1)
    y = F.conv2d(x + state[f'{name}.pes.pe'], state[f'{name}.in_nets.weight'],
                 state[f'{name}.in_nets.bias'])
    query, key = y.view(n, 2 * heads, -1, t, v).chunk(2, 1)
    score = torch.einsum('nsctu,nsctv->nsuv', query, key)
    attention = state[f'{name}.atts'] + state[f'{name}.attention0s'] + (
        score / (query.size(2) * t)).tanh() * state[f'{name}.alphas']
    y = torch.einsum('nctu,nsuv->nsctv', x, attention).reshape(n, -1, t, v)
    y = act(residual('downs1') + conv_bn(state, f'{name}.out_nets', y))
    x = act(residual('downs2') + conv_bn(state, f'{name}.ff_nets', y))
    return act(residual('downt2', stride) +
               conv_bn(state, f'{name}.out_nett', x, stride))


def logits(state, streams, blocks=BLOCKS):
    """Class scores of joint and motion clips, (N, C, T, V, M) each."""
    total = 0
    for x in streams:
        n, c, t, v, m = x.shape
        x = x.permute(0, 4, 1, 2, 3).reshape(n * m, c, t, v)
        x = F.leaky_relu(conv_bn(state, 'input_map', x), 0.1)
        for i, (*_, stride) in enumerate(blocks):
            x = block(state, f'graph_layers.{i}', x, stride)
        x = x.reshape(n, m, -1, *x.shape[2:]).mean((1, 3, 4))
        total = total + F.linear(x, state['fc.weight'], state['fc.bias'])
    return total
