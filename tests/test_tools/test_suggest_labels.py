"""tools/suggest_labels.py on pickles, folders and configs."""
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from toy import CONFIGS, load_tool, small_config, write_ntu

from psp_plugin.annotations import load_pickle
from psp_plugin.datasets.split import read_split
from psp_plugin.errors import InputError
from psp_plugin.tooling.selection import Pool
from psp_plugin.tooling.selection import suggest as choose


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A pickle of 60 clips, and a model that was not trained."""
    root = tmp_path_factory.mktemp('suggest')
    write_ntu(root / 'pool.pkl')
    cfg = small_config('psp_ntu60_xsub_5p.py', str(root / 'pool.pkl'), root)
    cfg.dump(root / 'model.py')
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()),
               root / 'model.pth')
    return root


@pytest.fixture
def suggest(folder, monkeypatch, capsys):
    """Runs the tool in the folder; returns the names and what it prints."""
    monkeypatch.chdir(folder)

    def run(*args):
        load_tool('suggest_labels').main([*map(str, args), '-o', 'list.txt'])
        return read_split('list.txt'), capsys.readouterr().out
    return run


MODEL = ('--model', 'model.py', 'model.pth')


@pytest.mark.parametrize('options', [
    (), ('--strategy', 'coreset'), ('--strategy', 'random'), MODEL,
    (*MODEL, '--strategy', 'margin')])
def test_suggestions_for_a_split_of_a_pickle(suggest, folder, options):
    names, out = suggest('pool.pkl', '--split', 'xsub_train', '-k', 7,
                         *options)
    assert out.startswith('wrote list.txt: 7 clips, the most useful first')
    assert len(set(names)) == 7
    assert set(names) <= set(load_pickle('pool.pkl')['split']['xsub_train'])
    notes = (folder / 'list.txt').read_text()
    assert '# split: xsub_train' in notes and '# clips: 40' in notes


def test_config_as_pool_is_its_training_clips(suggest):
    of_config, _ = suggest('model.py', '-k', 5)
    of_pickle, _ = suggest('pool.pkl', '--split', 'xsub_train', '-k', 5)
    assert of_config == of_pickle


def test_config_whose_unlabelled_clips_are_apart(suggest):
    config = str(CONFIGS / 'psp_two_files.py')
    with pytest.raises(SystemExit, match='apart from the labelled ones, in '
                       "data/skeleton/unlabeled.pkl, split 'unlabeled': name"):
        suggest(config, '-k', 1)


def test_scores_of_a_diverged_model():
    pool = Pool(['a', 'b'], np.eye(2), np.full((2, 3), np.nan))
    with pytest.raises(InputError, match='scores are NaN or infinite'):
        choose(pool, 1, 'margin')


def test_labels_are_left_out_and_train_a_classifier(suggest, folder):
    first, _ = suggest('pool.pkl', '-k', 6)
    rows = [f'{name},{i % 2}' for i, name in enumerate(first)]
    (folder / 'labels.csv').write_text('\n'.join(['name,label', *rows]))
    for strategy in ('typiclust', 'margin'):
        more, _ = suggest('pool.pkl', '-k', 6, '--labels', 'labels.csv',
                          '--strategy', strategy)
        assert not set(more) & set(first)


def test_skipped_clips_are_not_suggested_again(suggest, folder):
    names = load_pickle('pool.pkl')['split']['xsub_train']
    rows = [f'{name},' for name in names[5:]]
    (folder / 'labels.csv').write_text('\n'.join(
        ['name,label', f'{names[0]},1', *rows]))
    options = ('pool.pkl', '--split', 'xsub_train', '--labels', 'labels.csv')
    more, _ = suggest(*options, '-k', 4)
    assert set(more) == set(names[1:5])
    with pytest.raises(SystemExit, match='has 4 clips without a row in lab'):
        suggest(*options, '-k', 5)


@pytest.mark.parametrize('name', ['pool.pkl', './labels.csv', 'model.pth'])
def test_files_that_are_read_are_not_replaced(suggest, folder, name):
    (folder / 'labels.csv').write_text('name,label\nS001C001P001R001A000,0\n')
    before = (folder / name).read_bytes()
    with pytest.raises(SystemExit, match='to be read, but also to be written'):
        load_tool('suggest_labels').main([
            'pool.pkl', '-k', '1', '--labels', 'labels.csv', *MODEL, '-o',
            name])
    assert (folder / name).read_bytes() == before


def test_folder_of_recordings_with_one_that_is_invalid(suggest, folder,
                                                       capsys):
    for i in range(5):
        (folder / 'in').mkdir(exist_ok=True)
        np.save(folder / f'in/clip{i}.npy', np.cumsum(
            np.random.default_rng(i).normal(size=(12, 20, 3)), 0))
    np.save(folder / 'in/zero.npy', np.zeros((12, 20, 3)))
    with pytest.raises(SystemExit) as stop:
        suggest('in', '-k', 2, '--axes', 'TVC')
    assert 'in/zero.npy' in stop.value.code
    assert stop.value.code.endswith('1 clips were left out.')
    names = read_split('list.txt')
    assert len(names) == 2 and names[0].startswith('clip')


@pytest.mark.parametrize('args, message', [
    (('pool.pkl', '-k', 61), 'the pool has 60 clips without a label, fewer'),
    (('absent.pkl', '-k', 1), 'absent.pkl does not exist'),
    (('absent', '-k', 1), 'absent'),
    (('pool.pkl', '-k', 1, '--labels', 'other.csv'),
     'none of the 1 clips with a label in other.csv is in the pool, whose '
     "first clip is 'S001C001P001R001A000'"),
    (('pool.pkl', '-k', 1, '--strategy', 'margin'), 'margin needs a class'),
    (('pool.pkl', '-k', 1, '--split', 'no'), "no split 'no'"),
])
def test_wrong_arguments_stop_before_anything_is_written(
        suggest, folder, args, message):
    (folder / 'list.txt').unlink(missing_ok=True)
    (folder / 'other.csv').write_text('name,label\nelsewhere,0\n')
    with pytest.raises(SystemExit) as stop:
        suggest(*args)
    assert message in stop.value.code
    assert not (folder / 'list.txt').exists()
