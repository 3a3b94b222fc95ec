"""The export command, on reduced configs of this package and the toolbox."""
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from toy import BLOCKS, load_tool

from psp_plugin.commands.toolbox import tools_folder

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools/export_onnx.py'
SMALL = dict(
    backbone=dict(blocks=BLOCKS), cls_head=dict(in_channels=16),
    neck=dict(in_channels=16), projector=dict(in_channels=16))


@pytest.fixture(scope='module')
def tool():
    return load_tool('export_onnx')


def make(folder, base, model, **others):
    """A config like another, and a checkpoint of its untrained model."""
    cfg = Config.fromfile(str(base))
    cfg.merge_from_dict(dict(model=model, **others))
    config, checkpoint = folder / 'config.py', folder / 'model.pth'
    cfg.dump(str(config))
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()),
               checkpoint)
    return str(config), str(checkpoint)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    return make(tmp_path_factory.mktemp('psp'),
                ROOT / 'configs/psp_ntu60_xsub_5p.py', SMALL)


def input_shape(path):
    tensor, = onnx.load(str(path)).graph.input
    return [dim.dim_param or dim.dim_value
            for dim in tensor.type.tensor_type.shape.dim]


def test_the_command_line(files, tmp_path):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', str(TOOL), *files, '-o',
         'new/model.onnx'],
        cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table, last = done.stdout.splitlines()[1:-1], done.stdout.splitlines()[-1]
    rows = [list(map(float, line.split())) for line in table]
    assert [row[:2] for row in rows] == [[1, 1], [3, 1], [5, 2]]
    assert all(row[2] <= 1e-4 for row in rows)
    assert 'inputs (batch, num_clips, 2, 50, 25, 6)' in last
    assert 'torchvision' not in done.stderr
    assert [path.name for path in tmp_path.rglob('*')] == ['new', 'model.onnx']
    assert input_shape(tmp_path / 'new/model.onnx') == [
        'batch', 'num_clips', 2, 50, 25, 6]


def test_a_config_of_the_toolbox_with_other_sizes(tool, tmp_path, capsys):
    base = tools_folder().parent / (
        'configs/skeleton/stgcn/'
        'stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d.py')
    files = make(tmp_path, base, dict(backbone=dict(num_stages=1),
                                      cls_head=dict(in_channels=64)))
    path = tmp_path / 'model.onnx'
    tool.main([*files, '-o', str(path), '--num-frames', '30',
               '--num-persons', '1'])
    assert input_shape(path) == ['batch', 'num_clips', 1, 30, 17, 3]
    assert 'written to' in capsys.readouterr().out


@pytest.mark.parametrize('args, message', [
    (['{config}', 'none.pth'], 'checkpoint none.pth does not exist'),
    (['none.py', '{checkpoint}'], 'none.py'),
    (['{config}', '{config}'], 'cannot be read as a checkpoint'),
    (['{config}', '{checkpoint}', '--cfg-options',
      'model.cls_head.num_classes=7'], 'does not fit the config'),
    (['{config}', '{checkpoint}', '--num-joints', '20'],
     'is built for 25 joints, but the clips have 20'),
    (['{config}', '{checkpoint}', '--cfg-options',
      'test_dataloader.dataset.pipeline=[]'],
     'has num_person: pass --num-persons'),
    (['{config}', '{checkpoint}', '--num-persons', '2', '--cfg-options',
      'test_dataloader=None'], 'has clip_len: pass --num-frames'),
])
def test_bad_input_is_one_sentence(tool, files, tmp_path, args, message):
    path, (config, checkpoint) = tmp_path / 'model.onnx', files
    args = [a.format(config=config, checkpoint=checkpoint) for a in args]
    with pytest.raises(SystemExit, match=message) as caught:
        tool.main([*args, '-o', str(path)])
    assert '\n' not in caught.value.code
    assert not path.exists()


@pytest.mark.parametrize('number', ['0', '-2', 'two'])
def test_sizes_are_positive(tool, files, capsys, number):
    with pytest.raises(SystemExit):
        tool.main([*files, f'--num-frames={number}'])
    message = capsys.readouterr().err
    assert f"argument --num-frames: '{number}' is not a positive" in message
