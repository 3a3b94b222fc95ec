"""Exported models compute what `predict` does, in any batch size.

The models are small, but their batch norms have statistics and their scores
differ between samples: nearly equal scores would hide errors.
"""
import copy
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from psp_plugin.tooling.export import (
    ExportError,
    compare,
    export_onnx,
    trace,
)

ROOT = Path(__file__).resolve().parents[2]
BATCHES = [(1, 1), (4, 1), (3, 5)]  # samples and clips
CHANNELS = 16
DSTA = dict(type='DSTANet', num_joints=25, blocks=[(8, CHANNELS, 2, 2)])
ATTENTION = dict(DSTA, temporal='attention', num_frames=12)
STGCN = dict(
    type='STGCN', graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'),
    base_channels=CHANNELS, num_stages=2)
AAGCN = dict(
    type='AAGCN', graph_cfg=dict(layout='nturgb+d', mode='spatial'),
    base_channels=CHANNELS, num_stages=1)
STGCNPP = dict(STGCN, gcn_adaptive='init', gcn_with_res=True,
               tcn_type='mstcn')


def psp(backbone):
    """A two-stream recognizer, including all parts only used in training."""
    return dict(
        type='PSPRecognizer',
        backbone=backbone,
        neck=dict(type='PyramidPolymerizingAttention', in_channels=CHANNELS,
                  layout='nturgb+d'),
        projector=dict(type='PooledMLP', in_channels=CHANNELS),
        loss_con=dict(type='CoarseToFineContrastiveLoss'),
        cls_head=dict(type='TwoStreamHead', num_classes=7,
                      in_channels=CHANNELS))


def gcn(backbone, **head):
    return dict(
        type='RecognizerGCN', backbone=backbone,
        cls_head=dict(type='GCNHead', num_classes=7, in_channels=CHANNELS,
                      **head))


REFINED = dict(
    gcn(STGCN), type='RecognizerGCNWithNeck',
    neck=dict(type='PyramidRefiningNeck', in_channels=CHANNELS,
              layout='nturgb+d'))
CASES = {
    'psp with dsta': psp(DSTA),
    'psp with stgcn': psp(STGCN),
    'psp without absent persons': dict(psp(DSTA), skip_absent_persons=True),
    'stgcn': gcn(STGCN),
    'refined stgcn': REFINED,
}


def num_streams(model):
    return 2 if type(model).__name__ == 'PSPRecognizer' else 1


def clips_for(model, samples, clips, seed=0):
    rng = np.random.default_rng(seed)
    channels = 3 * num_streams(model)
    pose = rng.normal(size=(samples, clips, 2, 1, 25, channels))
    tremor = rng.normal(size=(samples, clips, 2, 12, 25, channels))
    return torch.from_numpy(pose + 0.1 * tremor).float()


def build(cfg, logits_std=2.):
    """A model in evaluation mode whose logits have this deviation."""
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    fc, streams = model.cls_head.fc, num_streams(model)
    fc.bias.data.zero_()
    with torch.no_grad():
        for seed in range(3):
            model(clips_for(model, 4, 2, seed))
        model.eval()
        logits = model(clips_for(model, 20, 1), stage='head')
        factor = logits_std / logits.std(0).mean()
        fc.weight *= factor
        fc.bias -= logits.mean(0) * factor / streams
    return model


def predict(model, inputs):
    samples = [ActionDataSample() for _ in inputs]
    with torch.no_grad():
        samples = model.eval()(inputs, samples, mode='predict')
    return torch.stack([sample.pred_score for sample in samples])


@pytest.mark.parametrize('case', CASES)
def test_onnx_equals_predict(case, tmp_path):
    model, path = build(CASES[case]).train(), tmp_path / 'model.onnx'
    before = copy.deepcopy(model.state_dict())
    comparisons = export_onnx(model, str(path), clips_for(model, 1, 1))
    assert [c[:2] for c in comparisons] == [(1, 1), (3, 1), (5, 2)]
    assert max(c.error for c in comparisons) < 1e-5
    assert max(c.logit_error for c in comparisons) < 1e-3
    # The model is not changed, and the file contains no local paths.
    assert all(module.training for module in model.modules())
    assert all(x.equal(before[k]) for k, x in model.state_dict().items())
    assert str(ROOT).encode() not in path.read_bytes()
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)

    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider'])
    assert session.get_inputs()[0].shape[:2] == ['batch', 'num_clips']
    for batch in BATCHES:
        inputs = clips_for(model, *batch, seed=3)
        expected = predict(model, inputs).numpy()
        scores, logits = session.run(None, dict(inputs=inputs.numpy()))
        assert scores.shape == (batch[0], 7)
        assert logits.shape == (*batch, 7)
        np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)
    assert np.ptp(scores, axis=0).max() > 0.1  # not a trivial comparison


@pytest.mark.parametrize('average_clips', ['prob', 'score', None])
def test_clips_are_averaged_by_the_head(average_clips):
    model = build(gcn(STGCN, average_clips=average_clips))
    program = trace(model, clips_for(model, 1, 1)).module()
    for batch in BATCHES:
        inputs = clips_for(model, *batch, seed=3)
        scores, logits = program(inputs)
        torch.testing.assert_close(scores, predict(model, inputs), rtol=0,
                                   atol=1e-6)
        with torch.no_grad():
            expected = model(inputs, stage='head')
        torch.testing.assert_close(logits.flatten(0, 1), expected, rtol=0,
                                   atol=1e-6)


@pytest.mark.parametrize('cfg', [
    psp(DSTA), psp(ATTENTION), psp(STGCN), psp(AAGCN), gcn(STGCN),
    gcn(STGCNPP)])
def test_torch_export_of_the_recognizer(cfg):
    """torch.export.export of the recognizer returns features."""
    model = build(cfg)
    program = torch.export.export(
        model, (clips_for(model, 2, 3), ),
        dynamic_shapes=dict(inputs={0: torch.export.Dim('batch')})).module()
    for samples in (1, 2, 5):
        inputs = clips_for(model, samples, 3, seed=3)
        with torch.no_grad():
            expected = model(inputs)
        torch.testing.assert_close(program(inputs), expected, rtol=0,
                                   atol=1e-6)


class Wrapper(torch.nn.Module):
    """A modified encoder."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone


class WrongExport(Wrapper):

    def forward(self, x):
        return self.backbone(x * 2 if torch.compiler.is_exporting() else x)


class DataDependent(Wrapper):

    def forward(self, x):
        return self.backbone(x if x.mean() > 0 else -x)


@pytest.mark.parametrize('wrapper, logits_std, message', [
    (WrongExport, 2, 'the ONNX graph of RecognizerGCN is wrong, nothing was '
     'written: on 1 samples of 1 clips a score differs from that of PyTorch '),
    # Scores that differ by less than the tolerance.
    (WrongExport, 1e-5, 'the ONNX graph of RecognizerGCN is wrong, .* by '
     r'.*e-0\d, and a logit'),
    (DataDependent, 2, 'RecognizerGCN cannot be traced with any number of '
     'samples and clips: '),
])
def test_a_wrong_graph_is_not_written(wrapper, logits_std, message, tmp_path):
    model = build(CASES['stgcn'], logits_std)
    model.backbone = wrapper(model.backbone)
    with pytest.raises(ExportError, match=message) as caught:
        export_onnx(model, str(tmp_path / 'model.onnx'),
                    clips_for(model, 1, 1))
    assert '\n' not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_graphs_that_cannot_be_compared_raise():
    model, sizes = build(CASES['stgcn']), (2, 12, 25, 3)
    with pytest.raises(ExportError, match='ONNX Runtime fails on 1 samples '
                       'of 1 clips: .*INVALID_PROTOBUF'):
        compare(model, b'no graph', sizes)
    kind = onnx.TensorProto.FLOAT
    outputs = ['scores', 'logits']
    echo = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node('Identity', ['inputs'], [name])
             for name in outputs], 'echo',
            [onnx.helper.make_tensor_value_info('inputs', kind, [None] * 6)],
            [onnx.helper.make_tensor_value_info(name, kind, [None] * 6)
             for name in outputs]),
        opset_imports=[onnx.helper.make_opsetid('', 17)], ir_version=8)
    with pytest.raises(ExportError, match=r'returns shapes .*, but PyTorch '
                       r'\[\(1, 7\), \(1, 1, 7\)\]'):
        compare(model, echo.SerializeToString(), sizes)


@pytest.mark.parametrize('shape, message', [
    ((1, 2, 12, 25, 3), r'must be \(B, num_clips, M, T, V, C\), not of shape '
     r'\(1, 2, 12, 25, 3\)'),
    ((1, 1, 2, 12, 17, 3), r'RecognizerGCN does not accept inputs of shape '
     r'\(1, 1, 2, 12, 17, 3\): '),
])
def test_wrong_input_shapes_raise(shape, message):
    with pytest.raises(ExportError, match=message) as caught:
        trace(build(CASES['stgcn']), torch.zeros(shape))
    assert '\n' not in str(caught.value)


def test_missing_packages_raise(monkeypatch, tmp_path):
    model, path = build(CASES['stgcn']), tmp_path / 'model.onnx'
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, 'onnxscript', None)
        with pytest.raises(ImportError, match='pip install onnxscript'):
            export_onnx(model, str(path), clips_for(model, 1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(torch, '__version__', '2.7.1')
        with pytest.raises(ImportError, match='PyTorch 2.8.0 or newer, not '
                           '2.7.1'):
            export_onnx(model, str(path), clips_for(model, 1, 1))
    assert not path.exists()
