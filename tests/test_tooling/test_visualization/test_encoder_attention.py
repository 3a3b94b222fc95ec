"""The encoder's averaged attention against loops, and invalid input."""
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from pretrained import CHANNELS, FRAMES, finetune_config, pretrain_config
from tiny import tiny_config

from psp_plugin.errors import InputError
from psp_plugin.models.recognizers.two_stream import split_streams
from psp_plugin.tooling.visualization import encoder_attention, has_attention

PATCHES, HEADS = FRAMES // 2, 2
NTU = dict(type='SkeletonTransformer', layout='nturgb+d', num_frames=FRAMES,
           frames_per_token=2, embed_dims=CHANNELS, num_heads=HEADS, depth=2)


def build(cfg):
    """A model whose attention is not nearly uniform."""
    torch.manual_seed(0)
    model = MODELS.build(cfg).eval()
    for block in model.backbone.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight)
    return model


def pretrainer(**backbone):
    cfg = pretrain_config('', '').model
    cfg.backbone.update({**NTU, 'tokens': 'outer', **backbone})
    return build(cfg)


@pytest.fixture(scope='module')
def model():
    return pretrainer()


def clips(*shape, joints=25, channels=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, FRAMES, joints, channels, generator=generator)


def by_loops(attention, joints):
    """Both maps of (S, P V', P V'), entry by entry."""
    joint = np.zeros((joints, joints))
    patch = np.zeros((PATCHES, PATCHES))
    for s in range(HEADS):
        for query, row in enumerate(attention[s].tolist()):
            p, v = divmod(query, joints)
            for key, value in enumerate(row):
                q, w = divmod(key, joints)
                joint[v, w] += value / HEADS / PATCHES
                patch[p, q] += value / HEADS / joints
    return joint, patch


def test_equals_loops_over_present_persons(model):
    """Joints of 'outer' are 18 of 25; the second person is zeros in a clip."""
    inputs = clips(1, 2, 2)
    inputs[0, 1, 1] = 0
    for block in (None, 0):
        found = encoder_attention(model, inputs, block)
        every = model.backbone.attention(
            inputs[0], -1 if block is None else block)
        persons = [by_loops(every[n, m], 18)
                   for n, m in ((0, 0), (0, 1), (1, 0))]
        for result, expected in zip((found.joint, found.patch),
                                    zip(*persons)):
            assert result.dtype == np.float32
            np.testing.assert_allclose(result, np.mean(expected, 0),
                                       rtol=1e-4)
            np.testing.assert_allclose(result.sum(1), 1, rtol=1e-5)
        assert found.block == (1 if block is None else 0)
    assert (found.depth, found.frames_per_token, found.streams) == (2, 2, ())
    assert np.ptp(found.joint) > .01 and np.ptp(found.patch) > .01


def test_an_absent_person_changes_nothing(model):
    one = clips(1, 1, 1)
    two = torch.cat([one, 0 * one], 2)
    for found, expected in zip(encoder_attention(model, two),
                               encoder_attention(model, one)):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('tokens, count', [('outer', 18), ('all', 25)])
def test_sizes_and_received_attention(tokens, count):
    found = encoder_attention(pretrainer(tokens=tokens), clips(1, 1, 1))
    assert found.joint.shape == (count, count)
    assert found.patch.shape == (PATCHES, PATCHES)
    assert len(found.joints) == count and found.received.shape == (25, )
    with_tokens = np.isfinite(found.received)
    assert tuple(np.flatnonzero(with_tokens)) == found.joints
    np.testing.assert_allclose(found.received[with_tokens],
                               found.joint.mean(0))
    assert found.received[with_tokens].sum() == pytest.approx(1)


def test_a_classifier():
    cfg = finetune_config('', '', '').model
    del cfg.backbone.init_cfg
    found = encoder_attention(build(cfg), clips(1, 1, 1, joints=20))
    assert found.joint.shape == (20, 20)


@pytest.fixture(scope='module')
def psp():
    cfg = tiny_config().model
    cfg.backbone = dict(NTU, tokens='all')
    for part in ('neck', 'projector', 'cls_head'):
        cfg[part].in_channels = CHANNELS
    cfg.stream_norm = dict(type='StreamNorm')
    return build(cfg)


def test_streams_of_psp_are_the_inputs_of_its_encoder(psp):
    inputs = clips(1, 2, 1, channels=6)
    given = psp.stream_norm(*split_streams(inputs))
    found = {}
    for stream, x in zip(('joint', 'motion'), given):
        found[stream] = encoder_attention(psp, inputs, stream=stream)
        expected = [by_loops(psp.backbone.attention(x)[n, 0], 25)
                    for n in range(2)]
        np.testing.assert_allclose(
            found[stream].joint, np.mean([e[0] for e in expected], 0),
            rtol=1e-4)
        assert found[stream].streams == (stream, )
    both = encoder_attention(psp, inputs)
    assert both.streams == ('joint', 'motion')
    np.testing.assert_allclose(
        both.patch, (found['joint'].patch + found['motion'].patch) / 2,
        rtol=1e-5)
    assert np.abs(found['joint'].patch - found['motion'].patch).max() > 1e-3


def test_invalid_arguments_raise(model, psp):
    inputs = clips(1, 1, 1)
    for block in (-1, 2):
        with pytest.raises(InputError, match=f'no block {block + 1}: the '
                                             'encoder has blocks 1 to 2'):
            encoder_attention(model, inputs, block)
    with pytest.raises(InputError, match='HACMPretrainer has no motion str'):
        encoder_attention(model, inputs, stream='motion')
    with pytest.raises(InputError, match="joint, motion, not 'bone'"):
        encoder_attention(psp, clips(1, 1, 1, channels=6), stream='bone')
    with pytest.raises(InputError, match='the clip has no person'):
        encoder_attention(model, 0 * inputs)
    other = MODELS.build(tiny_config().model)
    assert has_attention(model.backbone) and not has_attention(other.backbone)
    with pytest.raises(InputError, match='encoder DSTANet has no attention'):
        encoder_attention(other, clips(1, 1, 1, channels=6))
