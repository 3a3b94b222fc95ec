"""Runs of a table: seeds, names, and the hash of settings."""
import re

import pytest
from fake_tools import plan, write_config
from toy import CONFIGS

from psp_plugin.configs import find_dicts
from psp_plugin.errors import InputError
from psp_plugin.tooling.experiments.paper import PAPER
from psp_plugin.tooling.experiments.plan import (
    config_name,
    load_config,
    plan_runs,
)

NAMES = sorted(path.relative_to(CONFIGS).as_posix()
               for path in CONFIGS.rglob('*.py')
               if not {'_base_', 'skeleton'} & set(path.parts))


# Configs of further methods, baselines and views share their data with these.
@pytest.mark.parametrize('name', [name for name in NAMES if not re.match(
    r'(methods/(?!freematch)|ablations/ntu60|pretrain/.*ntu60_xview)', name)])
def test_seed_reaches_the_labelled_clips_of_shipped_configs(name):
    first, second = plan_runs([str(CONFIGS / name)], [3, 4], 'table')
    assert first.settings != second.settings
    assert first.name == name[:-3]
    cfg = load_config(first.config, first.options)
    views = [part for _, part in find_dicts(cfg)
             if part.get('type') == 'SemiSupervisedDataset']
    assert [view['seed'] for view in views] == [3] * len(views)
    # These have a file of labelled clips, or none.
    fixed = name in ('psp_two_files.py', 'mix/refine_stgcn_ntu60_xsub.py') or (
        cfg.model.type == 'HACMPretrainer')
    if 'synthetic' not in name:
        assert len(views) == (not fixed)
    percent = re.search(r'_(\d+)p[_.]', name)
    share = '100%' if 'linear' in name else percent and f'{percent[1]}%'
    assert first.labels == ('all' if fixed else share)


def test_seed_of_the_config_is_overridden(tmp_path):
    path = write_config(tmp_path, 'a')
    with open(path, 'a') as stream:
        stream.write('randomness = dict(seed=5)\n')
    run, = plan(tmp_path, path, seeds=[9])
    cfg = load_config(run.config, run.options)
    assert cfg.randomness.seed == cfg.train_dataloader.dataset.seed == 9


@pytest.mark.parametrize('path, name', [
    ('a/configs/mix/b.py', 'mix/b'), ('configs/b.py', 'b'),
    ('configs/x/configs/b.py', 'b'), ('other/b.py', 'b')])
def test_names(path, name):
    assert config_name(path) == name


@pytest.mark.parametrize('change, same', [
    (dict(), True), (dict(splits=['clean']), True),
    (dict(options=['train_cfg.max_epochs=3']), False),
    (dict(options=['note=other']), False)])
def test_settings_identify_runs(tmp_path, change, same):
    path = write_config(tmp_path, 'a')
    first, = plan(tmp_path, path)
    second, = plan(tmp_path, path, **change)
    assert (first.settings == second.settings) is same


def test_splits_and_labels(tmp_path):
    path = write_config(tmp_path, 'a')
    run, = plan(tmp_path, path, splits=['clean', 'val'])
    assert run.splits == ('val', 'clean')
    for option, labels in (('labeled_per_class=4', '4 a class'),
                           ('split_file=x/s.json', 's.json, whatever the '
                            'seed')):
        run, = plan(tmp_path, path, options=[
            'train_dataloader.dataset.labeled_ratio=None',
            f'train_dataloader.dataset.{option}'])
        assert run.labels == labels


@pytest.mark.parametrize('text, options, message', [
    (None, [], 'none.py does not exist'),
    ('model = nothing', [], 'none.py cannot be read with these options: Name'),
    ('a = 1', [], 'none.py has no train_cfg with max_epochs or max_iters'),
    ('a = 1', ['a'], 'none.py cannot be read with these options: ValueError'),
    ('train_cfg = dict(max_iters=1)', [], 'has no test_dataloader.dataset'),
    ('train_cfg = dict(max_epochs=1)',
     ['default_hooks.checkpoint.out_dir=elsewhere'],
     'none.py has default_hooks.checkpoint.out_dir'),
])
def test_unusable_configs_raise(tmp_path, text, options, message):
    path = tmp_path / 'none.py'
    if text:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        plan(tmp_path, str(path), options=options,
             splits=['clean'] if 'max_iters' in str(text) else [])


def test_two_configs_of_one_name(tmp_path):
    (tmp_path / 'b').mkdir()
    with pytest.raises(InputError, match='have the same name, a: run them'):
        plan(tmp_path, write_config(tmp_path, 'a'),
             write_config(tmp_path / 'b', 'a'))


def test_paper_has_a_number_for_its_experiments():
    """All configs except those of this project."""
    own = ('small', 'synthetic', 'two_files', '2d', 'mix/', 'views',
           'nwucla_xview_5p_b', 'pretrain/', 'methods/', 'best/')
    papers = {name[:-3] for name in NAMES
              if not any(word in name for word in own)}
    papers |= {'ablations/nwucla_xview_5p_b1_no_contrast',
               'ablations/nwucla_xview_5p_b8_joint_part_body'}
    assert set(PAPER) == papers


def test_numbers_of_the_paper_match_the_configs():
    """The docstrings of the configs state them, too."""
    for name, accuracy in PAPER.items():
        if name.startswith('psp'):
            path = CONFIGS / f'{name}.py'
            assert f': {accuracy})' in path.read_text().splitlines()[0]
