"""The measurements of the benchmark."""
import functools
import json
import subprocess
import sys

import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from toy import CONFIGS, load_tool, write_ntu

from psp_plugin.tooling.benchmark import (
    MODES,
    count_flops,
    kept_bytes,
    make_case,
    peak_flops,
    time_steps,
)
from psp_plugin.tooling.benchmark.loading import prefetched_batches
from psp_plugin.tooling.benchmark.step import Run, Stopwatch

ROOT = CONFIGS.parent
CPU = torch.device('cpu')
SMALL = str(CONFIGS / 'psp_synthetic_5p.py')
PRETRAIN = str(CONFIGS / 'pretrain/hacm_synthetic.py')
PHASES = {'encoder', 'labelled', 'unlabelled', 'backward', 'optimiser'}


@pytest.fixture(scope='module')
def tool():
    """The script with small products for the peak, as a large one in bfloat16
    takes half a minute on some CPUs."""
    script = load_tool('benchmark')
    script.peak_flops = functools.partial(peak_flops, size=256)
    return script


def test_modes_in_turns(tool, tmp_path, capsys):
    path, trace = tmp_path / 'new/times.json', tmp_path / 'new/trace.json'
    tool.main([SMALL, '--labeled', '2', '--unlabeled', '3', '--rounds', '1',
               '--json', str(path), '--trace', str(trace), '--device', 'cpu'])
    table = capsys.readouterr().out
    rows = json.loads(path.read_text())['step']['rows']
    assert [row['mode'] for row in rows] == ['reference', 'fp32', 'bf16']
    assert all(row['mode'] in table for row in rows)
    assert rows[0]['ratio'] == 1
    plain, fast, half = (row['loss'] for row in rows)
    assert fast == pytest.approx(plain, rel=1e-4)
    assert half == pytest.approx(plain, rel=0.05) and half != plain
    events = json.loads(trace.read_text())['traceEvents']
    spans = {event['name']: event for event in events
             if event.get('cat') == 'user_annotation'}
    assert set(spans) >= {'reference', 'fp32', 'bf16'} | PHASES
    convolutions = [event['ts'] for event in events
                    if event['name'] == 'aten::convolution']
    for name in ('reference', 'fp32', 'bf16'):
        start, length = spans[name]['ts'], spans[name]['dur']
        assert any(start < time < start + length for time in convolutions)
    for row in rows:
        assert set(row['phases']) == PHASES
        # Phases are most of a step and no more than all of it.
        assert 0.5 < sum(row['phases'].values()) / row['seconds'] <= 1.05
        assert row['clips_per_second'] == pytest.approx(5 / row['seconds'])


@pytest.mark.parametrize('options, message', [
    ([], 'Is a directory'), (['--parts', 'loading'], 'add step to --parts')])
def test_traces_that_cannot_be_written(tmp_path, options, message, capsys):
    with pytest.raises(SystemExit, match=message):
        load_tool('benchmark').main([SMALL, '--trace', str(tmp_path),
                                     *options])
    assert not capsys.readouterr().out  # nothing has been timed


def test_flops_grow_with_the_batch():
    cfg = load_tool('benchmark').Config.fromfile(SMALL)
    one, two = (count_flops(make_case(
        cfg, torch.device('cpu'), dict(labeled=n, unlabeled=n)))
        for n in (1, 2))
    assert two / one == pytest.approx(2, rel=0.02)


def test_flops_of_pre_training_match_the_specification():
    """shared/paper/ha_cm.md, section 12: two persons, 72 frames."""
    cfg = load_tool('benchmark').Config.fromfile(
        str(CONFIGS / 'pretrain/hacm_ntu60_xsub.py'))
    case = make_case(cfg, CPU, dict(unlabeled=1))
    assert case.inputs['unlabeled'].shape == (1, 1, 2, 72, 25, 3)
    run = Run(case, MODES['plain'])
    with FlopCounterMode(display=False) as counter:
        run.forward(Stopwatch(CPU))
    assert counter.get_total_flops() == pytest.approx(6.4e9, rel=0.02)
    assert count_flops(case) == pytest.approx(19.1e9, rel=0.02)
    case = make_case(cfg, CPU, dict(unlabeled=1), absent=1)
    assert count_flops(case) == pytest.approx(19.1e9 / 2, rel=0.02)


def test_pre_training_with_either_attention(tool, tmp_path, capsys):
    path = tmp_path / 'times.json'
    tool.main([PRETRAIN, '--unlabeled', '3', '--rounds', '1', '--json',
               str(path), '--device', 'cpu'])
    printed = capsys.readouterr().out
    assert 'counted with plain attention' in printed
    step = json.loads(path.read_text())['step']
    rows = {row['mode']: row for row in step['rows']}
    assert list(rows) == ['plain', 'fused', 'bf16-plain', 'bf16-fused']
    plain, fused, half, half_fused = rows.values()
    # The same masks are sampled.
    assert fused['loss'] == pytest.approx(plain['loss'], rel=1e-5)
    assert half_fused['loss'] == pytest.approx(half['loss'], rel=0.02)
    assert fused['kept_gb'] < plain['kept_gb'] > half['kept_gb']
    for row in rows.values():
        assert list(row['phases']) == ['forward', 'backward', 'optimiser']
        assert row['clips_per_second'] == pytest.approx(3 / row['seconds'])
        assert row['share_of_peak'] == pytest.approx(
            step['flops'] / row['seconds'] / step['peaks'][row['mode']])


def test_bytes_saved_for_the_backward_pass():
    """Computed by hand for two linear layers and a ReLU, without weights."""
    cfg = load_tool('benchmark').Config.fromfile(PRETRAIN)
    case = make_case(cfg, CPU, dict(unlabeled=2))
    net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(),
                              torch.nn.Linear(16, 4))
    x = torch.zeros(5, 8)
    case.model.loss = lambda inputs: dict(loss=net(x).sum())
    weights = 16 * 4  # of the second layer; net is not part of the model
    assert kept_bytes(case, MODES['fp32']) == 4 * (
        x.numel() + 5 * 16 + weights)


def test_peak_is_that_of_matrix_products():
    peak = peak_flops(torch.device('cpu'), MODES['fp32'], 256)
    assert 1e8 < peak < 1e14


@pytest.mark.parametrize('name', MODES)
def test_flags_are_restored(name):
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn

    def switches():
        return matmul.allow_tf32, cudnn.allow_tf32, cudnn.enabled

    before = switches()
    with MODES[name].flags():
        assert switches() == (name == 'tf32', name == 'tf32',
                              name != 'reference')
    assert switches() == before


def test_channels_last_and_compiled_steps():
    """Only with the compiler's tracer, as a compiler may be missing."""
    cfg = load_tool('benchmark').Config.fromfile(SMALL)
    case = make_case(cfg, torch.device('cpu'), dict(labeled=2, unlabeled=3))
    strides = []
    for name in ('channels-last', 'bf16', 'fp32', 'bf16-channels-first'):
        run = Run(case, MODES[name])
        run.model.backbone.layers[0].register_forward_hook(
            lambda module, inputs, output: strides.append(inputs[0].stride(1)))
        run.step()
    assert strides[:2] == [1, 1] and 1 not in strides[2:]
    case.model.backbone.channels_last = True  # as in some configs
    assert Run(case, MODES['fp32']).model.backbone.channels_last is None
    assert Run(case, MODES['compile']).model.backbone._compiled_call_impl
    assert case.model.backbone._compiled_call_impl is None


def test_prefetched_batches_are_not_timed():
    def loader(**options):
        return DataLoader(range(9), 3, **options)

    assert prefetched_batches(loader()) == 1
    assert prefetched_batches(loader(num_workers=2, prefetch_factor=3)) == 7


def test_supervised_configs_have_one_branch():
    cfg = load_tool('benchmark').Config.fromfile(
        str(CONFIGS / 'supervised_synthetic_5p.py'))
    case = make_case(cfg, torch.device('cpu'), dict(labeled=2))
    assert list(case.inputs) == ['labeled']
    timing = time_steps(case, {'fp32': MODES['fp32']}, 1, 1)['fp32']
    assert 'unlabelled' not in timing.phases


def test_absent_persons_are_zeros():
    cfg = load_tool('benchmark').Config.fromfile(
        str(CONFIGS / 'psp_ntu60_xsub_5p.py'))
    x = make_case(cfg, torch.device('cpu'), dict(labeled=1, unlabeled=20),
                  absent=0.5).inputs['unlabeled']
    present = (x != 0).flatten(3).any(-1)[:, 0]
    assert present[:, 0].all() and 2 < present[:, 1].sum() < 18


def test_loading(tool, tmp_path, capsys):
    path = tmp_path / 'times.json'
    ann_file = write_ntu(tmp_path / 'ntu60_3d.pkl')
    key = 'train_dataloader.dataset.dataset.dataset.ann_file'
    tool.main([str(CONFIGS / 'psp_ntu60_xsub_5p.py'), '--parts', 'loading',
               '--clips', '20', '--json', str(path), '--cfg-options',
               f'{key}={ann_file}', 'train_dataloader.batch_size=4',
               'train_dataloader.dataset.dataset.labeled_ratio=0.3',
               'train_dataloader.num_workers=1'])
    printed = capsys.readouterr().out
    assert 'NormalizeSkeleton3D' in printed and 'PreNormalize3D' in printed
    loading = json.loads(path.read_text())['loading']
    assert loading['workers'] == 1 and loading['rate'] > 0
    # The transforms take most of the time of a clip.
    assert 0.3 < sum(loading['transforms'].values()) / loading['clip'] < 1.3


def test_loading_for_any_encoder(tool, capsys):
    tool.main([str(CONFIGS / 'mix/ppa_stgcn_nwucla_xview_5p_small.py'),
               '--parts', 'loading', '--synthetic', '40', '--clips', '20',
               '--cfg-options', 'train_dataloader.batch_size=4',
               'train_dataloader.dataset.dataset.labeled_ratio=0.3'])
    assert 'StreamsApart' in capsys.readouterr().out


def test_training_with_synthetic_clips(tool, tmp_path, capsys):
    """A reduced NTU config, without downloads."""
    path = tmp_path / 'times.json'
    model = {'backbone.blocks': '[(8,8,2,2),(8,16,4,2)]',
             'backbone.num_heads': 2, 'neck.in_channels': 16,
             'projector.in_channels': 16, 'cls_head.in_channels': 16,
             'cls_head.num_classes': 5}
    tool.main([str(CONFIGS / 'psp_ntu60_xsub_5p.py'), '--parts', 'training',
               '--synthetic', '60', '--rounds', '2', '--json', str(path),
               '--cfg-options', 'train_dataloader.num_workers=0',
               'train_dataloader.batch_size=3',
               'train_dataloader.dataset.dataset.labeled_ratio=0.5',
               'custom_hooks.0.unlabeled_dataloader.batch_size=4',
               'custom_hooks.0.unlabeled_dataloader.num_workers=0',
               *(f'model.{key}={value}' for key, value in model.items())])
    assert '60 synthetic clips' in capsys.readouterr().out
    found = json.loads(path.read_text())['training']
    assert set(found) == {'fp32', 'bf16'}
    for one in found.values():
        assert 0 < one['waiting'] < 1
        assert one['rate'] == pytest.approx(7 / one['seconds'], rel=1e-6)


def test_loading_and_training_of_pre_training(tool, tmp_path, capsys):
    path = tmp_path / 'times.json'
    small = ['backbone.embed_dims=16', 'masking.embed_dims=16',
             'decoder.embed_dims=16', 'backbone.depth=1', 'decoder.depth=1']
    tool.main([str(CONFIGS / 'pretrain/hacm_nwucla_xview_small.py'),
               '--parts', 'loading', 'training', '--synthetic', '20',
               '--clips', '8', '--rounds', '2', '--json', str(path),
               '--cfg-options',
               'train_dataloader.batch_size=4',
               *(f'model.{option}' for option in small)])
    assert 'RandomCropPose' in capsys.readouterr().out
    found = json.loads(path.read_text())['training']
    assert list(found) == ['fp32', 'bf16']
    for one in found.values():
        assert one['rate'] == pytest.approx(4 / one['seconds'], rel=1e-6)


@pytest.mark.parametrize('args, message', [
    ([SMALL, '--modes', 'fp64'], 'invalid choice'),
    ([SMALL, '--rounds', '0'], "'0' is not a positive integer"),
    ([str(CONFIGS / 'psp_ntu60_xsub_5p.py'), '--parts', 'loading'],
     'ntu60_3d.pkl does not exist'),
    ([str(CONFIGS / 'mix/refine_stgcn_ntu60_xsub.py')],
     'the model RecognizerGCNWithNeck: use a config with a PSPRecognizer'),
    ([SMALL, '--parts', 'training', '--labeled', '2'], 'only for the part'),
    ([SMALL, '--parts', 'loading', '--synthetic', '9'], 'has no ann_file'),
    ([SMALL, '--absent', '1.5'], 'must be from 0 to 1, not 1.5'),
    ([str(CONFIGS / 'supervised_synthetic_5p.py'), '--unlabeled', '2'],
     'no contrast, thus no unlabelled clips'),
    ([str(CONFIGS / 'psp_nwucla_xview_5p_small_without_ppa.py'),
      '--labeled', '1', '--unlabeled', '2'], 'not PyramidPooling'),
    ([PRETRAIN, '--labeled', '2'], 'pre-training has no labelled clips'),
    ([PRETRAIN, '--unlabeled', '2', '--modes', 'compile'],
     'CompileHook does not reach its encoder'),
    ([PRETRAIN, '--unlabeled', '2', '--modes', 'reference'],
     'the reference path supports only DSTANet'),
    ([SMALL, '--labeled', '1', '--unlabeled', '2', '--modes', 'fused'],
     'are only for pre-training'),
    (['none.py'], 'none.py'),
])
def test_bad_input_is_one_sentence(args, message, tool, capsys):
    with pytest.raises(SystemExit) as end:
        tool.main(args)
    assert end.value.code
    assert message in str(end.value.code) + capsys.readouterr().err


def test_as_a_command(tmp_path):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', str(ROOT / 'tools/benchmark.py'),
         'none.py'], capture_output=True, text=True, check=False,
        cwd=tmp_path)
    assert done.returncode == 1 and 'none.py' in done.stderr
    assert 'Traceback' not in done.stderr


def test_configs_in_turns(tool, tmp_path):
    path = tmp_path / 'times.json'
    methods = [str(CONFIGS / f'methods/{name}_synthetic_5p.py')
               for name in ('supervised_only', 'fixmatch')]
    tool.main([SMALL, '--against', *methods, '--rounds', '1', '--json',
               str(path), '--device', 'cpu', '--cfg-options',
               'train_dataloader.batch_size=2'])
    seconds = json.loads(path.read_text())['against']['seconds']
    assert list(seconds) == [SMALL, *methods]
    assert seconds[methods[0]] < seconds[methods[1]]
    with pytest.raises(SystemExit, match='the model HACMPretrainer: use'):
        tool.main([SMALL, '--against', PRETRAIN, '--device', 'cpu'])


def test_inference(tool, tmp_path, capsys):
    """Random weights: scores of all clips are alike."""
    path = tmp_path / 'times.json'
    tool.main([SMALL, '--parts', 'inference', '--clips', '5', '--rounds', '1',
               '--device', 'cpu', '--json', str(path), '--cfg-options',
               'test_dataloader.dataset.pipeline.2.num_clips=2'])
    found = json.loads(path.read_text())['inference']
    ways = ['test', 'torch', 'torch-bf16', 'onnx', 'onnx-int8']
    assert found['shape'] == [2, 1, 32, 25, 6] and found['clips'] == 5
    differences = [found['agreements'][way]['difference'] for way in ways]
    assert differences[0] == 0 and max(differences[2], differences[4]) > 0
    assert max(differences[1], differences[3]) < 1e-5
    assert [(each['batch_size'], each['way']) for each in found['speeds']
            ] == [(size, way) for size in (1, 4) for way in ways]
    assert all(found['latency'][way][0] <= found['latency'][way][1]
               for way in ways)
    printed = capsys.readouterr().out
    assert all(way in printed for way in ways)
