"""The command: table, CSV and invalid input."""
import csv

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from tiny import tiny_config, write_checkpoint
from toy import CONFIGS, load_tool, set_everywhere, write_ntu

FEW = {'train_dataloader.dataset.dataset.dataset.num_clips': 60,
       'test_dataloader.dataset.pipeline.2.num_clips': 1}
QUICK = ['--labels', '0.5', '1', '--seeds', '0', '1', '--epochs', '3']


@pytest.fixture(scope='module')
def main():
    return load_tool('linear_probe').main


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Ten classes, six training clips and two test clips of each."""
    folder = tmp_path_factory.mktemp('model')
    cfg = tiny_config(**FEW)
    cfg.dump(str(folder / 'tiny.py'))
    return str(folder / 'tiny.py'), write_checkpoint(cfg, folder / 'tiny.pth')


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    """20 clips of six classes to train, 10 to test."""
    return write_ntu(tmp_path_factory.mktemp('data') / 'ntu.pkl', 30)


def rows_of(path):
    with open(path, newline='', encoding='utf-8') as stream:
        return list(csv.DictReader(stream))


def test_the_command_prints_a_table_and_writes_rows(main, model, tmp_path,
                                                    capsys):
    path = tmp_path / 'new/probe.csv'
    main([*model, *QUICK, '--csv', str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '| labels | clips | val linear | val 1-NN |'
    assert lines[2].startswith('| 50% | 30 | ') and lines[2].count('±') == 2
    assert lines[3].startswith('| 100% | 60 | ') and lines[3].count('±') == 1
    assert lines[-2:] == ['Test clips: 20 of val.', f'wrote {path}']
    rows = rows_of(path)
    assert [(row['ratio'], row['seed'], row['labeled']) for row in rows] == [
        ('0.5', '0', '30'), ('0.5', '1', '30'), ('1.0', '0', '60'),
        ('1.0', '1', '60')]
    assert rows[0]['config'] == 'tiny' and rows[0]['checkpoint'] == model[1]
    mean = sum(float(row['linear']) for row in rows[:2]) / 2
    assert lines[2].split('|')[3].split()[0] == f'{mean:.1f}'
    assert float(rows[2]['knn']) == float(rows[3]['knn'])


@pytest.mark.parametrize('kind', ['RecognizerGCN', 'RecognizerGCNWithNeck'])
def test_toolbox_model_random_weights_several_splits(main, ann_file, tmp_path,
                                                     capsys, kind):
    """Labelled clips sampled over all classes, and three neighbours."""
    cfg = Config.fromfile(str(CONFIGS / 'mix/refine_stgcn_ntu60_xsub.py'))
    cfg.model.type = kind
    cfg.model.backbone.update(base_channels=8, num_stages=2,
                              inflate_stages=[], down_stages=[])
    for part in ('neck', 'cls_head'):
        cfg.model[part].in_channels = 8
    if kind == 'RecognizerGCN':
        cfg.model.pop('neck')
    set_everywhere(cfg, 'ann_file', ann_file)
    set_everywhere(cfg, 'clip_len', 16)
    cfg.dump(str(tmp_path / 'config.py'))
    outputs = []
    for _ in range(2):
        main([str(tmp_path / 'config.py'), 'none', *QUICK, '--draw', 'all',
              '--labels', '.33', '--k', '3', '--test-splits', 'xsub_val',
              'xview_val_clean', '--csv', str(tmp_path / 'a.csv'),
              '--cfg-options', 'test_dataloader.dataset.pipeline.2.num_clips=2'
              ])
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert '| xsub_val 3-NN |' in outputs[0] and '\n| 33% | 6 |' in outputs[0]
    assert {(row['split'], row['tested'], row['draw'], row['k'])
            for row in rows_of(tmp_path / 'a.csv')} == {
        ('xsub_val', '10', 'all', '3'), ('xview_val_clean', '10', 'all', '3')}


def test_a_pre_trained_encoder(main, tmp_path, capsys):
    """Without head or validation; its training data have no labels."""
    cfg = Config.fromfile(str(CONFIGS / 'pretrain/hacm_nwucla_xview_small.py'))
    set_everywhere(cfg, 'ann_file', write_ntu(tmp_path / 'a.pkl', joints=20))
    cfg.dump(str(tmp_path / 'config.py'))
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()),
               tmp_path / 'a.pth')
    main([str(tmp_path / 'config.py'), str(tmp_path / 'a.pth'), *QUICK])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '| labels | clips | xview_val linear | ' \
                       'xview_val 1-NN |'
    assert lines[2].startswith('| 50% | 18 | ')


def test_a_checkpoint_of_another_model_raises(main, model, tmp_path):
    with pytest.raises(SystemExit, match='does not fit the config'):
        main([*model, *QUICK, '--cfg-options', 'model.cls_head.num_classes=7'])
    with pytest.raises(SystemExit, match='absent.pth does not exist'):
        main([model[0], 'absent.pth', *QUICK])


@pytest.mark.parametrize('options, message', [
    (['--labels', '0', '1'], 'labeled_ratio must be in (0, 1], not 0.0'),
    (['--labels', '0.05'], 'gives no labelled clip per class'),
    (['--k', '31', '--labels', '.5'], 'k=31 nearest of 30 labelled clips'),
    (['--lr', '0'], 'the learning rate must be positive, not 0.0'),
    (['--cfg-options', 'test_dataloader=None'], 'has no test_dataloader'),
    (['--test-splits', 'nope'], "'nope'"),
    (['--device', 'abacus'], "device 'abacus' cannot be used"),
])
def test_wrong_arguments_are_one_sentence(main, model, options, message):
    with pytest.raises(SystemExit) as stop:
        main([*model, '--labels', '1', *options])
    printed = str(stop.value.code)
    assert message in printed and '\n' not in printed and printed.endswith('.')
