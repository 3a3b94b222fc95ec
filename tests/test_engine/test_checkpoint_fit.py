"""Checkpoints that do not fit a model: refused, or accepted where asked."""
import logging
import sys
from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from toy import CONFIGS, small_config, write_ntu
from user_cases import case

from psp_plugin.commands.run_checks import label_options
from psp_plugin.commands.toolbox import fit_options, run_tool
from psp_plugin.engine.hooks import CheckpointFitHook
from psp_plugin.errors import InputError
from psp_plugin.models.checkpoint_fit import lacking_weights, weights_of


def model_of(classes=3):
    return torch.nn.Sequential(torch.nn.Linear(4, 4),
                               torch.nn.Linear(4, classes))


def load(state, resume=False, partial=False):
    """Calls the hook as a runner does; returns its warnings."""
    lines = []
    logger = logging.getLogger('checkpoint_fit')
    logger.handlers = [SimpleNamespace(
        level=0, handle=lambda record: lines.append(record.getMessage()))]
    CheckpointFitHook(partial).after_load_checkpoint(
        SimpleNamespace(model=model_of(), logger=logger, _resume=resume,
                        _load_from='a.pth', work_dir='w'),
        dict(state_dict=state))
    return lines


@pytest.mark.parametrize('prefix', ['', 'module.'])
@pytest.mark.parametrize('resume', [True, False])
def test_fitting_checkpoint_passes(prefix, resume):
    state = {prefix + name: value
             for name, value in model_of().state_dict().items()}
    state['neck.weight'] = torch.zeros(1)  # which the model does not need
    assert load(state, resume) == []


def test_lacking_weights_are_missing_or_of_another_shape():
    state = model_of(5).state_dict()
    del state['0.bias']
    assert lacking_weights(model_of(), weights_of(state)) == [
        '0.bias', '1.weight', '1.bias']


@pytest.mark.parametrize('options, way_out', [
    (dict(), 'partial_checkpoint=True'),
    (dict(resume=True), 'load_from instead of --resume'),
    (dict(resume=True, partial=True), 'load_from instead of --resume'),
])
def test_other_checkpoint_raises_one_sentence(options, way_out):
    with pytest.raises(InputError) as error:
        load(model_of(5).state_dict(), **options)
    assert str(error.value).startswith(
        'a.pth does not fit the config: 2 of 4 weights are missing or of '
        "another shape, such as '1.weight'; ")
    assert way_out in str(error.value) and '\n' not in str(error.value)


def test_partial_loading_names_the_weights_in_one_warning():
    line, = load(model_of(5).state_dict(), partial=True)
    assert line.endswith('these keep their initial values: 1.weight, 1.bias')


def test_checkpoint_of_which_nothing_fits_is_refused():
    with pytest.raises(InputError, match='4 of 4 weights'):
        load(dict(weight=torch.zeros(2)), partial=True)


@pytest.mark.parametrize('name, cfg, partial', [
    ('test', {}, 'False'), ('test', dict(partial_checkpoint=True), 'True'),
    ('train', {}, 'True'), ('test', dict(default_hooks=dict(
        fit=dict(type='CheckpointFitHook'))), None),
])
def test_scripts_add_the_hook(name, cfg, partial, tmp_path):
    (tmp_path / 'a.pth').touch()
    args = SimpleNamespace(checkpoint=str(tmp_path / 'a.pth'), resume=None)
    assert fit_options(name, args, Config(cfg)) == ([] if not partial else [
        'default_hooks.checkpoint_fit.type=CheckpointFitHook',
        f'default_hooks.checkpoint_fit.partial={partial}'])


@pytest.mark.parametrize('name, given', [
    ('test', dict(checkpoint='absent.pth')),
    ('train', dict(resume='absent.pth')),
    ('train', dict(resume=None, cfg=dict(load_from='absent.pth'))),
])
def test_missing_checkpoint_raises(name, given):
    cfg = Config(given.pop('cfg', {}))
    with pytest.raises(FileNotFoundError, match='checkpoint absent.pth does'):
        fit_options(name, SimpleNamespace(**given), cfg)


@pytest.fixture
def start(monkeypatch, no_checkpoints):
    """Runs a script in this process."""
    uses = dict(train=('train_dataloader', 'custom_hooks'),
                test=('test_dataloader', ))

    def run(name, *argv):
        monkeypatch.setenv('LOCAL_RANK', '0')
        monkeypatch.setattr(sys, 'argv', [name, *map(str, argv)])
        run_tool(name, uses[name])

    return run


@pytest.fixture
def other(tmp_path):
    """A config of 6 classes, and a checkpoint of its model with 5."""
    cfg = small_config('psp_ntu60_xsub_5p.py',
                       write_ntu(tmp_path / 'ntu60_3d.pkl'), tmp_path, 1)
    cfg.model.cls_head.num_classes = 6
    cfg.dump(str(tmp_path / 'config.py'))
    return tmp_path, write_weights(cfg, tmp_path / 'epoch_1.pth')


def write_weights(cfg, path, classes=5):
    cfg.model.cls_head.num_classes = classes
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(),
                    meta={}), path)
    return path


@pytest.mark.parametrize('name, flags, way_out', [
    ('test', ['{path}'], 'partial_checkpoint=True'),
    ('train', ['--no-validate', '--resume', '{path}'], 'instead of --resume'),
    ('train', ['--no-validate', '--resume'], 'instead of --resume'),
])
def test_scripts_stop_before_any_number(start, other, capfd, name, flags,
                                        way_out):
    folder, path = other
    (folder / 'last_checkpoint').write_text(str(path))
    with pytest.raises(SystemExit) as stop:
        start(name, folder / 'config.py',
              *(flag.format(path=path) for flag in flags))
    assert str(stop.value.code).startswith(
        f'{folder}/config.py: {path} does not fit the config: 2 of ')
    assert way_out in stop.value.code and '\n' not in stop.value.code
    assert 'acc/top1' not in capfd.readouterr().out


def test_scripts_load_partly_where_asked(start, other, capfd):
    folder, path = other
    # Runs of one second would have one logger, which drops equal warnings.
    start('test', folder / 'config.py', path, '--cfg-options',
          'partial_checkpoint=True', 'experiment_name=tested')
    start('train', folder / 'config.py', '--no-validate', '--cfg-options',
          f'load_from={path}')
    printed = capfd.readouterr().out
    assert printed.count('these keep their initial values: cls_head.') == 2
    assert 'acc/top1' in printed


def test_config_of_a_user(start, tmp_path):
    """2D key points of 17 joints in three files."""
    folder = case('test_of_other_checkpoint')
    text = (folder / 'bug_2d.py').read_text().replace(
        "D = './'", f"D = '{folder}/'").replace(
        'psp_two_files.py', str(CONFIGS / 'psp_two_files.py'))
    (tmp_path / 'bug_2d.py').write_text(text)
    path = write_weights(Config.fromfile(str(tmp_path / 'bug_2d.py')),
                         tmp_path / 'epoch_1.pth')
    with pytest.raises(SystemExit, match='2 of 163 weights are missing'):
        start('test', tmp_path / 'bug_2d.py', path, '--work-dir',
              tmp_path / 'w')


def test_label_options_of_classifiers():
    """Labels are needed, except in pools of unlabelled clips."""
    checked = dict(type='CheckedPoseDataset')
    cfg = dict(
        model=dict(cls_head=dict(num_classes=2)),
        train_dataloader=dict(dataset=dict(
            type='RepeatDataset', dataset=dict(
                type='SemiSupervisedDataset', dataset=checked))),
        val_dataloader=dict(dataset=checked),
        test_dataloader=dict(dataset=dict(checked, need_label=False)))
    assert label_options(Config(cfg)) == [
        'val_dataloader.dataset.need_label=True']
    cfg['train_dataloader'] = dict(dataset=checked)
    assert label_options(Config(cfg), ['train_dataloader']) == [
        'train_dataloader.dataset.need_label=True']
    cfg['model'] = dict(type='HACMPretrainer')
    assert label_options(Config(cfg)) == []
