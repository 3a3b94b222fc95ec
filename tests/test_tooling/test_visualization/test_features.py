"""Features of clips: stage, pooling, one vector per sample."""
import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import DATASETS, MODELS
from tiny import tiny_config

from psp_plugin.errors import InputError
from psp_plugin.tooling.visualization import clip_features


def build(name='psp_synthetic_5p.py'):
    torch.manual_seed(0)
    return MODELS.build(tiny_config(name).model).eval()


@pytest.fixture(scope='module')
def dataset():
    """The inputs of ten samples, of two clips each."""
    cfg = tiny_config().test_dataloader.dataset
    cfg.num_clips = 10
    cfg.pipeline[2].num_clips = 2
    clips = DATASETS.build(cfg)
    return [clips[i] for i in range(3)]


def test_encoder_features_are_those_that_the_classifier_pools(dataset):
    model = build()
    found = clip_features(model, dataset, batch_size=2)
    assert found.shape == (3, 32)
    for row, sample in zip(found, dataset):
        with torch.no_grad():
            (joint, motion), _ = model.extract_feat(
                sample['inputs'][None], stage='backbone')
        means = []
        for stream in (joint, motion):
            assert stream.shape[:3] == (2, 1, 16)
            means.append(torch.stack([clip.mean((0, 2, 3))
                                      for clip in stream]).mean(0))
        torch.testing.assert_close(row, torch.cat(means))


@pytest.mark.parametrize('level', ['body', 'part', 'joint'])
def test_projected_features_of_a_level(dataset, level):
    model = build()
    found = clip_features(model, dataset, level)
    sample = dataset[1]['inputs'][None]
    with torch.no_grad():
        streams, _ = model.extract_feat(sample, stage='backbone')
        rows = [F.normalize(model.projector(model.neck(x)[level]), dim=1)
                for x in streams]
    torch.testing.assert_close(found[1], torch.cat(rows, 1).mean(0))


def test_a_model_without_projector_has_only_encoder_features(dataset):
    model = build('supervised_synthetic_5p.py')
    assert clip_features(model, dataset).shape == (3, 32)
    with pytest.raises(InputError, match="no projector, .* level 'part'"):
        clip_features(model, dataset, 'part')


def test_a_toolbox_model_of_one_stream(dataset):
    """Joint and motion as six channels of an STGCN."""
    model = MODELS.build(dict(
        type='RecognizerGCN',
        backbone=dict(type='STGCN', in_channels=6, base_channels=8,
                      num_stages=2, inflate_stages=[], down_stages=[],
                      graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial')),
        cls_head=dict(type='GCNHead', num_classes=10, in_channels=8),
        data_preprocessor=dict(type='ActionDataPreprocessor'))).eval()
    assert clip_features(model, dataset).shape == (3, 8)


def test_unknown_levels_raise(dataset):
    with pytest.raises(InputError, match="body, part, joint, not 'limb'"):
        clip_features(build(), dataset, 'limb')


class HeatMaps(torch.nn.Module):
    """A model whose features have no joint axis, like PoseC3D."""
    backbone = torch.nn.Identity()

    def data_preprocessor(self, batch):
        return dict(inputs=torch.stack(batch['inputs']))

    def extract_feat(self, inputs, stage):
        return torch.zeros(len(inputs) * 2, 512, 4, 7, 7), {}


def test_an_encoder_without_joint_axis_raises(dataset):
    with pytest.raises(ValueError, match='Identity turned clips of shape .* '
                                         r'into features of \(6, 512, 4'):
        clip_features(HeatMaps(), dataset)
