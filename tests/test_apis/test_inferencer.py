"""The inferencer: scores, batches, and clips that it rejects."""
import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.models import RecognizerGCN
from mmengine.config import Config
from tiny import CLASSES, tiny_config, write_checkpoint, write_model
from torch import nn

from psp_plugin.apis import ClipError, SkeletonInferencer
from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.skeletons import get_pyramid
from psp_plugin.tooling.faster import fold_batch_norms
from psp_plugin.tooling.onnx_scores import OnnxScores
from psp_plugin.tooling.visualization import joint_importance

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model'))


@pytest.fixture(scope='module')
def inferencer(model):
    return SkeletonInferencer(*model, device='cpu')


@pytest.fixture(scope='module')
def clips():
    """The clips of the test set of the config."""
    return [make_clip(index, split='val') for index in range(20)]


def write_npy(folder, name, shape=(1, 30, 25, 3), seed=0):
    path = folder / name
    np.save(path, np.random.default_rng(seed).normal(size=shape))
    return str(path)


def write_gcn(folder, layout='nturgb+d', **backbone):
    """A small recognizer of the toolbox, on the same clips."""
    cfg = tiny_config()
    cfg.model = dict(
        type='RecognizerGCN',
        backbone=dict(type='STGCN', base_channels=4, num_stages=2,
                      inflate_stages=[2], down_stages=[2],
                      graph_cfg=dict(layout=layout, mode='stgcn_spatial'),
                      **backbone),
        cls_head=dict(type='GCNHead', num_classes=10, in_channels=8))
    cfg.test_dataloader.dataset.pipeline[1].feats = ['j']
    path = folder / 'stgcn.py'
    cfg.dump(str(path))
    return str(path), write_checkpoint(cfg, folder / 'stgcn.pth')


def test_scores_are_those_of_the_test_tool(model, clips, tmp_path):
    dump = tmp_path / 'scores.pkl'
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', str(ROOT / 'tools/test.py'), *model,
         '--dump', str(dump), '--work-dir', str(tmp_path)],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with open(dump, 'rb') as stream:
        expected = [sample['pred_score'].numpy()
                    for sample in pickle.load(stream)]
    assert len(expected) == 20 and np.ptp(expected, 0).max() > .01
    inferencer = SkeletonInferencer(*model)
    for batch_size in (1, 3):
        results = inferencer(clips, batch_size=batch_size)
        assert [result['name'] for result in results] == [
            clip['frame_dir'] for clip in clips]
        np.testing.assert_allclose([result['scores'] for result in results],
                                   expected, rtol=0, atol=1e-5)


def test_onnx_runtime_gives_the_same_scores(model, inferencer, clips):
    onnx = SkeletonInferencer(*model, runtime='onnx')
    results = onnx(clips[:3] + clips[:1])
    np.testing.assert_allclose(
        [result['scores'] for result in results],
        [result['scores'] for result in inferencer(clips[:3] + clips[:1])],
        rtol=0, atol=1e-5)
    assert len(onnx.onnx.sessions) == 1  # exported once


@pytest.mark.parametrize('options, message', [
    (dict(runtime='tensorrt'), "one of torch, onnx, not 'tensorrt'"),
    (dict(runtime='onnx', device='cuda:0'), "the CPU here, not on 'cuda:0'"),
])
def test_wrong_runtimes_raise(model, options, message):
    with pytest.raises(ValueError, match=message):
        SkeletonInferencer(*model, **options)


def test_onnx_runtime_needs_averaged_scores(model):
    cfg = Config.fromfile(model[0])
    cfg.model.cls_head.average_clips = None
    with pytest.raises(ValueError, match="average_clips to 'prob'"):
        SkeletonInferencer(cfg, model[1], runtime='onnx')


def test_onnx_runtime_needs_a_classifier():
    with pytest.raises(ValueError, match='RecognizerGCN has no classifier'):
        OnnxScores(RecognizerGCN(dict(type='DSTANet', blocks=[
            (8, 8, 2, 2)])))


def test_batch_norms_are_folded_only_after_their_convolution():
    conv, norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
    norm.running_mean.fill_(5)
    model = nn.ModuleList([
        nn.Sequential(conv, norm, nn.ReLU(), nn.BatchNorm2d(3)),
        nn.ModuleDict(dict(conv=nn.Conv2d(3, 3, 1), bn=nn.BatchNorm2d(3))),
    ]).eval()
    x = torch.randn(2, 3, 4, 4)
    expected = model[0](x)
    assert fold_batch_norms(model) == 1
    torch.testing.assert_close(model[0](x), expected)
    assert isinstance(model[0][3], nn.BatchNorm2d)
    assert isinstance(model[1]['bn'], nn.BatchNorm2d)


def test_best_classes_come_with_their_names(inferencer, clips):
    result, = inferencer(clips[0], top_k=3)
    assert result['scores'].shape == (10, )
    assert result['scores'].sum() == pytest.approx(1, abs=1e-5)
    labels = np.argsort(-result['scores'], kind='stable')[:3]
    assert result['top'] == [
        (label, CLASSES[label], float(result['scores'][label]))
        for label in labels]
    everything, = inferencer(clips[0], top_k=99)
    assert len(everything['top']) == 10


def test_a_clip_is_not_changed(inferencer, clips):
    before = copy.deepcopy(clips[0])
    inferencer(clips[0])
    assert clips[0].keys() == before.keys()
    np.testing.assert_array_equal(clips[0]['keypoint'], before['keypoint'])


def test_paths_and_annotations_can_be_mixed(inferencer, clips, tmp_path):
    np.save(tmp_path / 'x.npy', clips[3]['keypoint'])
    path, annotation = inferencer([tmp_path / 'x.npy', clips[3]])
    assert path['name'] == str(tmp_path / 'x.npy')
    np.testing.assert_allclose(path['scores'], annotation['scores'],
                               atol=1e-6)


def test_the_pipeline_chooses_among_two_persons(inferencer, clips, tmp_path):
    """The model has one person: the one present longer, not the first one."""
    both = np.concatenate([clips[4]['keypoint'], clips[4]['keypoint'] + .5])
    both[0, ::2] = 0
    both[1] *= np.linspace(.5, 1, both.shape[1])[:, None, None]
    np.save(tmp_path / 'two.npy', both)
    np.save(tmp_path / 'second.npy', both[1])
    two, second, annotation = inferencer([
        tmp_path / 'two.npy', tmp_path / 'second.npy',
        dict(clips[4], keypoint=both)])
    np.testing.assert_allclose(two['scores'], second['scores'], atol=1e-6)
    np.testing.assert_allclose(two['scores'], annotation['scores'],
                               atol=1e-6)
    first, = inferencer(dict(clips[4], keypoint=both[:1]))
    assert np.abs(two['scores'] - first['scores']).max() > 1e-4


def test_config_may_be_an_object_with_fewer_clips(model, clips):
    cfg = Config.fromfile(model[0])
    cfg.test_dataloader.dataset.pipeline[2].num_clips = 1
    inferencer = SkeletonInferencer(cfg, model[1], classes=['x'] * 10)
    assert inferencer.prepare(clips[0])['inputs'].shape == (1, 1, 32, 25, 6)
    assert inferencer(clips[0])[0]['top'][0][1] == 'x'


def test_a_test_dataset_may_be_wrapped(model, clips):
    cfg = Config.fromfile(model[0])
    cfg.test_dataloader.dataset = dict(
        type='RepeatDataset', times=1, dataset=cfg.test_dataloader.dataset)
    assert len(SkeletonInferencer(cfg, model[1])(clips[:2])) == 2
    cfg.test_dataloader = dict(batch_size=2)
    with pytest.raises(ValueError, match='has no pipeline in test_dataload'):
        SkeletonInferencer(cfg, model[1])


BAD = [
    (dict(shape=(1, 30, 17, 3)), 'x.npy has 17 joints, but the model expects '
                                 '25'),
    (dict(shape=(1, 30, 25, 2)), 'x.npy has 2 coordinates per joint and no '
                                 'scores, on which NormalizeSkeleton3D'),
    (dict(shape=(1, 0, 25, 3)), 'x.npy '),
]


@pytest.mark.parametrize('clip, message', BAD)
def test_invalid_clips_raise_before_their_batch_is_run(
        inferencer, clips, tmp_path, clip, message):
    runs = []
    hook = inferencer.model.backbone.register_forward_hook(
        lambda *_: runs.append(1))
    bad = write_npy(tmp_path, 'x.npy', **clip)
    with pytest.raises(ClipError) as error:
        inferencer([clips[0], bad, clips[1]])
    assert message in str(error.value) and '\n' not in str(error.value)
    assert not runs
    first, second, third = inferencer([clips[0], bad, clips[1]],
                                      on_error='return')
    hook.remove()
    assert second == dict(name=bad, error=str(error.value)) and runs
    for result, clip in ((first, clips[0]), (third, clips[1])):
        np.testing.assert_allclose(
            result['scores'], inferencer(clip)[0]['scores'], atol=1e-6)


@pytest.mark.parametrize('change, message', [
    (dict(keypoint=None), 'a must have a keypoint of shape .*, not NoneType'),
    (dict(keypoint=np.ones((30, 25, 3))), r'a .*, not \(30, 25, 3\)'),
    (dict(keypoint=np.full((1, 9, 25, 3), np.nan)), 'a has coordinates that '
                                                    'are NaN'),
    (dict(keypoint=np.full((1, 9, 25, 3), 1e30)), 'a has a coordinate above 1e'
                                                  r'\+18, which is too large'),
    (dict(keypoint=np.zeros((1, 9, 25, 3))), 'a has key points that are all '
                                             'zero'),
    (dict(keypoint=np.full((1, 9, 25, 3), 'x')), 'a .* not of numbers'),
    (dict(keypoint=np.ones((1, 9, 25, 2), int)), 'a has 2-D .*as floats'),
    (dict(total_frames=7), 'a has total_frames 7, but 9 frames'),
    (dict(keypoint_score=np.ones((1, 9, 25))), 'a has 3 coordinates per joint '
     'and scores, on which GenSkeFeat of the test pipeline fails: Assertion'),
])
def test_bad_annotations_raise(inferencer, change, message):
    clip = dict(frame_dir='a', keypoint=np.ones((1, 9, 25, 3), np.float32))
    assert inferencer(clip)[0]['name'] == 'a'
    with pytest.raises(ClipError, match=message):
        inferencer({**clip, **change})


def test_scores_that_are_nan_raise(inferencer, monkeypatch):
    monkeypatch.setattr(inferencer, 'onnx', lambda clips: [
        np.full(3, np.nan) for _ in clips])
    with pytest.raises(ValueError, match='scores are NaN: its checkpoint has'):
        inferencer(dict(frame_dir='a', keypoint=np.ones((1, 9, 25, 3))))


def test_a_batch_of_only_invalid_clips(inferencer, tmp_path):
    results = inferencer([str(tmp_path / 'absent.npy')] * 3, batch_size=2,
                         on_error='return')
    assert ['error' in result for result in results] == [True] * 3


@pytest.mark.parametrize('argument', [
    dict(batch_size=0), dict(top_k=0), dict(on_error='ignore')])
def test_wrong_arguments_raise(inferencer, clips, argument):
    (name, value), = argument.items()
    with pytest.raises(ValueError, match=f'{name}.*{value}'):
        inferencer(clips[0], **argument)


def test_progress_is_shown_only_for_several_batches(inferencer, clips, capsys):
    inferencer(clips[:2], batch_size=2, progress=True)
    assert capsys.readouterr().err == ''
    inferencer(clips[:3], batch_size=2, progress=True)
    out, err = capsys.readouterr()
    assert '3/3' in err and err.endswith('\n') and out == ''


def test_scores_that_are_not_averaged_raise(model, clips):
    cfg = Config.fromfile(model[0])
    cfg.model.cls_head.average_clips = None
    with pytest.raises(ValueError, match="average_clips to 'prob'"):
        SkeletonInferencer(cfg, model[1])(clips[0])


def test_importance_excludes_absent_persons(model, clips):
    """An absent second person does not change the result."""
    cfg = Config.fromfile(model[0])
    single = SkeletonInferencer(cfg, model[1])
    importance = single.importance(clips[6])
    assert importance.shape == (25, ) and importance.max() == 1
    assert importance.min() > 0 and np.ptp(importance) > .01
    cfg.test_dataloader.dataset.pipeline[4].num_person = 2
    padded = SkeletonInferencer(cfg, model[1])
    inputs = padded.prepare(clips[6])['inputs']
    assert inputs.shape[1] == 2 and not inputs[:, 1].any()
    np.testing.assert_allclose(padded.importance(clips[6]), importance,
                               rtol=1e-4)
    with torch.no_grad():
        everyone = joint_importance(padded.model.attention(inputs[None]))
    assert np.abs(everyone - importance).max() > .01


def test_bones_of_the_layout(model):
    inferencer = SkeletonInferencer(*model)
    assert inferencer.bones == list(get_pyramid('nturgb+d').bones)
    custom = dict(parts=[[0, 2, 4], list(range(6, 25)), [1, 3, 5]],
                  bodies=[[0, 1], [2]])
    cfg = Config.fromfile(model[0])
    cfg.model.neck.layout = custom
    bones = SkeletonInferencer(cfg, model[1]).bones
    assert bones[:3] == [(0, 2), (2, 4), (6, 7)] and (24, 1) not in bones
    assert len(bones) == 25 - 3


def test_labels_only_models_have_bones_but_no_attention(model, clips):
    inferencer = SkeletonInferencer(
        tiny_config('supervised_synthetic_5p.py'), model[1])
    assert inferencer.bones == list(get_pyramid('nturgb+d').bones)
    with pytest.raises(ValueError, match='this PSPRecognizer has no neck'):
        inferencer.importance(clips[0])


def test_a_pyramid_without_attention_raises(tmp_path, clips):
    inferencer = SkeletonInferencer(*write_model(
        tmp_path, **{'model.neck.type': 'PyramidPooling'}))
    with pytest.raises(ValueError, match='PyramidPooling of this PSP'):
        inferencer.importance(clips[0])


def test_untrained_attention_raises(tmp_path, clips):
    inferencer = SkeletonInferencer(*write_model(
        tmp_path, **{'model.loss_con.level_weights': dict(body=1.)}))
    with pytest.raises(ValueError, match='leaves the joint level out'):
        inferencer.importance(clips[0])


def test_toolbox_recognizers_work(tmp_path, clips):
    inferencer = SkeletonInferencer(*write_gcn(tmp_path))
    results = inferencer(clips[:3])
    assert all(np.isfinite(result['scores']).all() for result in results)
    assert len({result['scores'].tobytes() for result in results}) == 3
    assert set(map(frozenset, inferencer.bones)) == set(
        map(frozenset, get_pyramid('nturgb+d').bones))
    with pytest.raises(ValueError, match='RecognizerGCN has no attention'):
        inferencer.importance(clips[0])
    with pytest.raises(ClipError, match='clip has 20 joints, .* expects 25'):
        inferencer(dict(frame_dir='clip', keypoint=np.ones((1, 9, 20, 3))))


def test_key_points_need_their_scores(tmp_path):
    """A model of x, y and score, on clips with and without the score."""
    from toy import small_config
    cfg = small_config('psp_ntu60_2d_xsub_5p.py', '', 'none')
    checkpoint = write_checkpoint(cfg, tmp_path / 'coco.pth', None)
    path = write_npy(tmp_path, 'x.npy', (2, 30, 17, 3))
    scored = SkeletonInferencer(cfg, checkpoint, scored=True)
    assert scored(path)[0]['scores'].shape == (60, )
    assert scored.bones == list(get_pyramid('coco').bones)
    with pytest.raises(ClipError, match='2 coordinates per joint and no scores'
                       ', from which the test pipeline makes 4 channels, but '
                       'the model expects 6'):
        scored(dict(frame_dir='y', keypoint=np.ones((1, 9, 17, 2))))
