"""Options that change a variable of the config file, thus nothing."""
import argparse

import pytest
from toy import CONFIGS

from psp_plugin.commands.command_line import read_config
from psp_plugin.errors import InputError

LABELED = [f'{place}.ann_file' for place in (
    'train_dataloader.dataset.dataset', 'val_dataloader.dataset',
    'test_dataloader.dataset')]
UNLABELED = 'custom_hooks.0.unlabeled_dataloader.dataset.ann_file'


def read(config, **options):
    return read_config(argparse.Namespace(
        config=str(CONFIGS / config), cfg_options=options))


@pytest.mark.parametrize('option, keys', [
    ('labeled_file', ', '.join(LABELED)), ('unlabeled_file', UNLABELED)])
def test_files_of_psp_two_files(option, keys):
    with pytest.raises(InputError) as error:
        read('psp_two_files.py', **{option: 'mine.pkl'})
    assert str(error.value).startswith(
        f'{option}=... of --cfg-options changes nothing, as ')
    assert f': set {keys} instead, ' in str(error.value)


@pytest.mark.parametrize('config, option', [
    ('psp_ntu60_xsub_5p.py', 'ann_file'),
    ('psp_ntu60_xsub_5p.py', 'normalize.0.center'),  # a part of pipelines
    ('psp_nwucla_xview_5p_small.py', 'metainfo.classes'),
    ('psp_synthetic_5p.py', 'train_pipeline.2.clip_len'),
    ('psp_synthetic_5p.py', 'vis_backends.0.type'),
])
def test_variables_of_other_configs(config, option):
    with pytest.raises(InputError, match='changes nothing'):
        read(config, **{option: 3})


def test_the_advice_works():
    keys = dict.fromkeys([*LABELED, UNLABELED], 'mine.pkl')
    cfg = read('psp_two_files.py', **keys)
    assert cfg.val_dataloader.dataset.ann_file == 'mine.pkl'
    # Naming the variable too does no harm.
    read('psp_two_files.py', **keys, labeled_file='mine.pkl')


def test_other_options_are_merged():
    same = 'data/skeleton/labeled.pkl'
    cfg = read('psp_two_files.py', **{
        'model.cls_head.num_classes': 7, 'load_from': 'a.pth',
        'train_dataloader.batch_size': 8, 'my_key': 2, 'labeled_file': same})
    assert cfg.model.cls_head.num_classes == 7 and cfg.my_key == 2
