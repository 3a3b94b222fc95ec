"""The network of the released implementation, reimplemented from its weights.

It does not use models of this package, only functions of a released state
dict. test_official_training.py compares it with ``official_psp_train.npz``.
"""
import math

import torch
import torch.nn.functional as F

# (in, out, channels of queries and keys, stride in time), as released.
BLOCKS = ((64, 64, 16, 1), (64, 64, 16, 1), (64, 128, 32, 2),
          (128, 128, 32, 1), (128, 256, 64, 2), (256, 256, 64, 1),
          (256, 256, 64, 1), (256, 256, 64, 1))
LEVELS = {'body': 'att_b', 'part': 'att_pb', 'joint': 'att_jpb'}
# Joints of a part and parts of a body, NTU RGB+D.
PARTS = ((0, 1, 20), (2, 3), (4, 5, 6), (7, 21, 22), (8, 9, 10), (11, 23, 24),
         (12, 13), (14, 15), (16, 17), (18, 19))
BODIES = ((2, 3), (4, 5), (6, 7), (8, 9), (0, 1))


def conv_bn_shapes(name, inputs, outputs, kernel=1):
    statistics = ('weight', 'bias', 'running_mean', 'running_var')
    return {
        f'{name}.0.weight': (outputs, inputs, kernel, 1),
        f'{name}.0.bias': (outputs, ),
        **{f'{name}.1.{key}': (outputs, ) for key in statistics},
        f'{name}.1.num_batches_tracked': (),
    }


def official_shapes(blocks=BLOCKS, heads=4, joints=25, frames=50, classes=60):
    """Names and shapes of a released state dict."""
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
    """The sinusoidal position code of the joints, element by element."""
    code = torch.zeros(1, channels, frames, joints)
    for v in range(joints):
        for c in range(0, channels, 2):
            angle = v / 10000**(c / channels)
            code[0, c, :, v] = math.sin(angle)
            code[0, c + 1, :, v] = math.cos(angle)
    return code


def random_state(seed=0, **sizes):
    """A random released state dict, including batch norm statistics."""
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


def batch_norm(state, name, x, training):
    """Batch norm; training updates the running statistics in ``state``."""
    if training:
        state[f'{name}.num_batches_tracked'] += 1
    return F.batch_norm(x, *(state[f'{name}.{key}'] for key in (
        'running_mean', 'running_var', 'weight', 'bias')), training)


def conv_bn(state, name, x, training, stride=1):
    weight = state[f'{name}.0.weight']
    x = F.conv2d(x, weight, state[f'{name}.0.bias'], (stride, 1),
                 (weight.size(2) // 2, 0))
    return batch_norm(state, f'{name}.1', x, training)


def act(x):
    return F.leaky_relu(x, 0.1)


def block(state, name, x, stride, training):
    """One block on (N, C, T, V)."""
    def residual(down, stride=1):
        return conv_bn(state, f'{name}.{down}', x, training, stride) \
            if f'{name}.{down}.0.weight' in state else x

    n, _, t, v = x.shape
    heads = state[f'{name}.alphas'].size(1)
    y = F.conv2d(x + state[f'{name}.pes.pe'], state[f'{name}.in_nets.weight'],
                 state[f'{name}.in_nets.bias'])
    query, key = y.view(n, 2 * heads, -1, t, v).chunk(2, 1)
    score = torch.einsum('nsctu,nsctv->nsuv', query, key)
    attention = state[f'{name}.atts'] + state[f'{name}.attention0s'] + (
        score / (query.size(2) * t)).tanh() * state[f'{name}.alphas']
    y = torch.einsum('nctu,nsuv->nsctv', x, attention).reshape(n, -1, t, v)
    y = act(residual('downs1') +
            conv_bn(state, f'{name}.out_nets', y, training))
    x = act(residual('downs2') +
            conv_bn(state, f'{name}.ff_nets', y, training))
    return act(residual('downt2', stride) +
               conv_bn(state, f'{name}.out_nett', x, training, stride))


def encode(state, x, blocks=BLOCKS, training=False):
    """Clips (N, C, T, V, M) to features (N, M, C', T', V)."""
    n, c, t, v, m = x.shape
    x = x.permute(0, 4, 1, 2, 3).reshape(n * m, c, t, v)
    x = act(conv_bn(state, 'input_map', x, training))
    for i, (*_, stride) in enumerate(blocks):
        x = block(state, f'graph_layers.{i}', x, stride, training)
    return x.view(n, m, *x.shape[1:])


def classify(state, joint, motion):
    """Class scores of the features of both streams."""
    return sum(F.linear(x.mean((1, 3, 4)), state['fc.weight'],
                        state['fc.bias']) for x in (joint, motion))


def logits(state, streams, blocks=BLOCKS):
    """Class scores of joint and motion clips, (N, C, T, V, M) each."""
    return classify(state, *(encode(state, x, blocks) for x in streams))


def project(state, features, heads, training):
    """Contrasting features of one stream at the three levels, (N, C')."""
    n, m = features.shape[:2]
    x = features.flatten(0, 1)
    nodes = dict(joint=x, part=group(x, PARTS),
                 body=group(x, [sum((PARTS[p] for p in body), ())
                                for body in BODIES]))
    maps, values = {}, {}
    for level, name in LEVELS.items():
        y = F.conv2d(nodes[level], state[f'{name}.in_nets.weight'],
                     state[f'{name}.in_nets.bias'])
        query, key, values[level] = y.unflatten(1, (3 * heads, -1)).chunk(3, 1)
        size = query.size(2) * query.size(3)
        maps[level] = (torch.einsum('nsctp,nsctq->nspq', query, key) /
                       size).tanh()
    part_of = [next(p for p, part in enumerate(PARTS) if v in part)
               for v in range(x.size(-1))]
    body_of = [next(b for b, body in enumerate(BODIES) if p in body)
               for p in range(len(PARTS))]
    joint_body = [body_of[p] for p in part_of]
    part, body = maps['part'], maps['body']
    maps = dict(
        body=body,
        part=part + 0.2 * body[..., body_of, :][..., body_of],
        joint=maps['joint'] + 0.12 * part[..., part_of, :][..., part_of] +
        0.24 * body[..., joint_body, :][..., joint_body])
    out = {}
    for level, name in LEVELS.items():
        y = torch.einsum('nsctk,nsqk->nsctq', values[level], maps[level])
        y = conv_bn(state, f'{name}.ff_nets', y.flatten(1, 2), training)
        y = act(y + nodes[level]).unflatten(0, (n, m)).mean((1, 3, 4))
        y = F.linear(y, state['mlp.0.weight'], state['mlp.0.bias']).relu()
        out[level] = F.linear(y, state['mlp.2.weight'], state['mlp.2.bias'])
    return out


def group(x, groups):
    """Means of nodes, (..., V) to (..., K)."""
    return torch.stack([x[..., list(members)].mean(-1)
                        for members in groups], -1)


def nt_xent(joint, motion, temperature=0.07):
    """Equation 10, feature by feature."""
    features = F.normalize(torch.cat([joint, motion]), dim=1)
    n, total = len(features), 0
    for i in range(n):
        others = [k for k in range(n) if k != i]
        scores = features[others] @ features[i] / temperature
        total = total - scores.log_softmax(0)[others.index((i + n // 2) % n)]
    return total / n


def losses(state, clips, labels, blocks=BLOCKS, heads=4):
    """A training step's losses; updates running statistics in ``state``.

    ``clips`` are labelled joint, labelled motion, unlabelled joint and
    unlabelled motion data, (N, C, T, V, M) each. The encoder processes all as
    one batch, the attention one stream after the other.
    """
    features = encode(state, torch.cat(clips), blocks, training=True)
    features = features.split([len(x) for x in clips])
    joint, motion = (project(state, x, heads, True) for x in features[2:])
    return dict(
        loss_cls=F.cross_entropy(classify(state, *features[:2]), labels),
        **{f'loss_con_{level}': nt_xent(joint[level], motion[level])
           for level in LEVELS})
