"""Several views of a clip."""
import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmengine.config import ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from poses import clip, results_of

FEATURES = dict(type='GenSkeFeat', feats=['j', 'jm'])
SAMPLE = dict(type='UniformSamplePose', clip_len=10)
PACK = [dict(type='PoseDecode'), dict(type='FormatGCNInput', num_person=2),
        dict(type='PackActionInputs', meta_keys=('frame_dir', ))]
WEAK = [dict(type='RandomRotatePose'), FEATURES, SAMPLE, *PACK]
STRONG = [dict(type='RandomRotatePose'), dict(type='RandomShearPose'),
          FEATURES, SAMPLE, *PACK]


def views(**kwargs):
    return TRANSFORMS.build(dict(kwargs, type='MultiView'))


def test_views_equal_their_pipelines():
    """The results equal those of the pipelines called in turn."""
    multi = views(weak=WEAK, strong=STRONG)
    np.random.seed(0)
    packed = multi(results_of(clip()))
    np.random.seed(0)
    for name, steps in (('weak', WEAK), ('strong', STRONG)):
        expected = Compose([TRANSFORMS.build(step) for step in steps])(
            results_of(clip()))
        assert torch.equal(packed['inputs'][name], expected['inputs'])
        sample = packed['data_samples'][name]
        assert sample.frame_dir == 'clip_a' and sample.gt_label == 3
    assert not torch.equal(*packed['inputs'].values())
    assert packed.keys() == {'inputs', 'data_samples'}
    assert packed['inputs'].keys() == packed['data_samples'].keys() == {
        'weak', 'strong'}


def test_any_number_and_names_of_views():
    packed = views(a=WEAK, b=WEAK, c=STRONG)(results_of(clip()))
    assert list(packed['inputs']) == ['a', 'b', 'c']
    # Views with the same config are sampled independently.
    assert not torch.equal(packed['inputs']['a'], packed['inputs']['b'])


def test_views_do_not_change_each_other_or_the_clip():
    """The toolbox's PreNormalize2D modifies its input array."""
    steps = [dict(type='PreNormalize2D'), *PACK]
    before = results_of(clip(axes=2), scored=True)
    after = dict(before)
    arrays = [before[key].copy() for key in ('keypoint', 'keypoint_score')]
    packed = views(a=steps, b=steps)(after)['inputs']
    assert torch.equal(packed['a'], packed['b'])
    assert after.keys() == before.keys()
    for key, array in zip(('keypoint', 'keypoint_score'), arrays):
        assert after[key] is before[key]
        np.testing.assert_array_equal(after[key], array)


def test_collated_by_mmengine():
    multi = views(weak=WEAK, strong=STRONG)
    batch = pseudo_collate([multi(results_of(clip(seed=seed)))
                            for seed in range(3)])
    for name in ('weak', 'strong'):
        inputs, samples = batch['inputs'][name], batch['data_samples'][name]
        assert len(inputs) == len(samples) == 3
        assert {tuple(x.shape) for x in inputs} == {(1, 2, 10, 7, 6)}


def test_built_from_a_config():
    cfg = ConfigDict(type='MultiView', weak=WEAK, strong=STRONG)
    assert set(TRANSFORMS.build(cfg)(results_of(clip()))['inputs']) == {
        'weak', 'strong'}


def test_pipeline_that_returns_none():
    assert views(weak=WEAK, none=[lambda results: None] + WEAK)(
        results_of(clip())) is None


def test_repr():
    text = repr(views(weak=PACK, strong=STRONG))
    assert text.startswith('MultiView(weak=[PoseDecode(), FormatGCNInput(')
    assert 'strong=[RandomRotatePose(angles=(0.3, 0.3, 0.3)' in text


@pytest.mark.parametrize('kwargs, sentence', [
    ({}, r'MultiView needs a view, such as weak=\[transforms\]'),
    (dict(weak=[]), "view 'weak' of MultiView must end with PackActionInputs"),
    (dict(weak=WEAK, strong=STRONG[:-1]),
     "view 'strong' of MultiView must end with PackActionInputs"),
    (dict(weak=dict(type='PoseDecode')), 'needs a list of transforms as view '
     "'weak'"),
])
def test_invalid_views_raise_one_sentence(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        views(**kwargs)
