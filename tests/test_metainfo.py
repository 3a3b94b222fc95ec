"""What a pickle has as ``metainfo``, from the file to the checkpoint."""
import pytest
from bad_inputs import config, make_clips, read, write
from mmengine.config import Config
from mmengine.registry import DATASETS
from toy import CONFIGS, load_tool

from psp_plugin.annotations import (
    AnnotationError,
    describe,
    read_annotations,
    survey,
)
from psp_plugin.commands.run_checks import check_run, class_options
from psp_plugin.errors import InputError

CLASSES = ['wave', 'kick', 'sit down']
LAYOUT = dict(parts=[[0], [1]], bodies=[[0], [1]])


@pytest.fixture
def path(tmp_path):
    return write(tmp_path, metainfo=dict(classes=CLASSES, layout=LAYOUT,
                                         fps=30))


def test_read_with_the_annotations(path, tmp_path):
    assert read_annotations(path).metainfo == dict(
        classes=CLASSES, layout=LAYOUT, fps=30)
    assert read_annotations(write(tmp_path)).metainfo == {}


@pytest.mark.parametrize('metainfo, sentence', [
    ('wave', "its 'metainfo' is of type str"),
    (dict(classes='wave'), "classes of its metainfo are 'wave', not a list"),
    (dict(classes=['wave', 3]), "are ['wave', 3], not a list of different"),
    (dict(classes=['wave', 'wave']), 'not a list of different names'),
    (dict(classes=[]), 'not a list of different names'),
    (dict(layout=25), 'the layout of its metainfo is 25, neither the name'),
    (dict(fps=0), 'the fps of its metainfo is 0, not a positive number'),
    (dict(fps=float('nan')), 'is nan, not a positive number'),
])
def test_invalid_metainfo(tmp_path, metainfo, sentence):
    with pytest.raises(AnnotationError) as error:
        read_annotations(write(tmp_path, metainfo=metainfo))
    assert sentence in str(error.value)


def test_the_config_goes_before_the_file(path):
    assert read(path).metainfo == dict(classes=CLASSES, layout=LAYOUT, fps=30)
    own = read(path, metainfo=dict(classes=['a', 'b', 'c']), num_classes=3)
    assert own.metainfo['classes'] == ['a', 'b', 'c']
    assert own.metainfo['fps'] == 30


@pytest.mark.parametrize('subset', ['labeled', 'unlabeled'])
def test_wrapped_datasets_pass_it_on(path, subset):
    dataset = DATASETS.build(dict(
        type='RepeatDataset', times=2, dataset=dict(
            type='SemiSupervisedDataset', subset=subset, labeled_per_class=1,
            dataset=config(path, pipeline=[]))))
    assert dataset.metainfo['classes'] == CLASSES


def test_a_pickle_that_names_other_classes(path):
    """The tools give the datasets the model's number of classes."""
    cfg = Config(dict(
        model=dict(cls_head=dict(num_classes=4)),
        val_dataloader=dict(dataset=config(path))))
    assert class_options(cfg) == ['val_dataloader.dataset.num_classes=4']
    with pytest.raises(AnnotationError) as error:
        read(path, num_classes=4)
    assert ("its metainfo names 3 classes ('wave', 'kick', 'sit down'), but "
            'num_classes is 4: set model.cls_head.num_classes'
            ) in str(error.value)
    with pytest.raises(AnnotationError, match="the config's metainfo names 2"):
        read(path, metainfo=dict(classes=['a', 'b']), num_classes=3)


def test_names_of_an_inherited_config():
    """Twenty classes trained, and were reported by the names of ten."""
    cfg = Config.fromfile(str(CONFIGS / 'psp_nwucla_xview_5p_small.py'))
    check_run(cfg)
    cfg.model.cls_head.num_classes = 20
    with pytest.raises(InputError) as error:
        check_run(cfg)
    assert (
        "train_dataloader.dataset.dataset.dataset.metainfo names 10 classes "
        "('pick up with one hand', 'pick up with two hands', 'drop trash' and "
        '7 more), but model.cls_head.num_classes is 20: set num_classes '
    ) in str(error.value)
    names = dict(classes=list('abcdefghijklmnopqrst'))
    for dataset in (cfg.train_dataloader.dataset.dataset.dataset,
                    cfg.val_dataloader.dataset, cfg.test_dataloader.dataset):
        dataset.metainfo = names
    check_run(cfg)


def test_check_dataset_shows_it(path, tmp_path, capsys):
    load_tool('data/check_dataset').main(
        [path, '--json', str(tmp_path / 'out.json')])
    printed = capsys.readouterr().out
    assert '\n  metainfo: fps 30\n' in printed
    assert '\n  metainfo: layout {' in printed
    assert printed.count('wave') == 1  # in the table of the classes
    assert '    1      4  kick\n' in printed
    assert '"sit down"' in (tmp_path / 'out.json').read_text()


def test_labels_beyond_the_names_are_problems(tmp_path):
    clips = make_clips()
    clips[3]['label'] = 3
    found = survey(write(tmp_path, clips, metainfo=dict(classes=CLASSES)))
    assert 'has label 3, but there are 3 classes' in describe(found)
    found = survey(found.path, num_classes=5)
    assert 'the metainfo names 3 classes, not 5' in found.notes
