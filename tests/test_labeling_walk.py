"""The commands of docs/guides/labeling.md: suggestions for a pile of clips,
labels given in the page, a training and its report."""
import re

import numpy as np
import pytest
from browser import needs_browser, open_browser
from forked import run_forked
from toy import CONFIGS, load_tool

from psp_plugin.annotations import load_pickle
from psp_plugin.datasets.split import read_split
from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.recordings import ReadOptions, read_labels
from psp_plugin.tooling.labeling import ClipPool, LabelStore, start_server

ROOT = CONFIGS.parent
CLASSES = ('wave', 'kick')
COUNT = 12


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """36 recordings of two actions, none with a label."""
    root = tmp_path_factory.mktemp('labeling')
    (root / 'pool').mkdir()
    for i in range(36):
        clip = make_clip(10 * i + i % 2)
        np.save(root / f'pool/clip{i:02}.npy', clip['keypoint'][0, ::2])
    return root


def true_class(name):
    return CLASSES[int(name[-2:]) % 2]


def label_in_browser(page, names):
    """Adds the classes, and answers each clip by the key of its class."""
    for name in CLASSES:
        page.locator('#add-name').fill(name)
        page.keyboard.press('Enter')
        page.locator('#classes .title', has_text=name).wait_for()
    page.locator('#canvas').click()
    for name in names:
        page.locator(f'[data-clip={name}]').wait_for()
        page.keyboard.press(str(1 + CLASSES.index(true_class(name))))
    page.locator('#done', has_text=f'{COUNT} labelled, 0 skipped.').wait_for()


def check_report(browser, path):
    """Looks for a clip of the confusion matrix that plays."""
    page = browser.new_page()
    problems = []
    for event in ('dialog', 'console', 'pageerror'):
        page.on(event, lambda found: problems.append(str(found)))
    page.goto(path.as_uri())
    page.locator('#cell-clips button').first.wait_for()
    text = page.locator('main').inner_text()
    assert re.search('10 labelled.* 24 unlabelled', text), text[:600]
    page.locator('canvas').first.scroll_into_view_if_needed()
    first = page.locator('canvas').first.evaluate('c => c.toDataURL()')
    page.wait_for_function(
        'x => document.querySelector("canvas").toDataURL() !== x', arg=first)
    assert not problems


@needs_browser
def test_from_a_pile_of_clips_to_a_report(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    text = (ROOT / 'docs/guides/labeling.md').read_text(encoding='utf-8')
    for command in ('suggest_labels.py POOL -k 50 -o suggested.txt',
                    'label.py POOL labels.csv --clips suggested.txt',
                    'convert_skeletons.py POOL -o data/mine.pkl --labels '
                    'labels.csv', 'new_config.py data/mine.pkl -o CONFIG',
                    'train.py CONFIG', 'report.py work_dirs/mine'):
        assert command in text
    load_tool('suggest_labels').main(
        ['pool', '-k', str(COUNT), '-o', 'suggested.txt', '--axes', 'TVC'])
    names = read_split('suggested.txt')
    assert {true_class(name) for name in names} == set(CLASSES)
    pool = ClipPool('pool', ReadOptions(axes='TVC'), 'suggested.txt')
    store = LabelStore('labels.csv', pool.names)
    with open_browser() as browser:
        with start_server(pool, store) as address:
            page = browser.new_page()
            page.goto(address)
            label_in_browser(page, names)
        store.close()
        table = read_labels('labels.csv')
        assert {name: table.classes[label] for name, label in
                table.labels.items()} == {n: true_class(n) for n in names}
        load_tool('data/convert_skeletons').main(
            ['pool', '-o', 'data/mine.pkl', '--labels', 'labels.csv',
             '--axes', 'TVC'])
        split = load_pickle('data/mine.pkl')['split']
        assert {name: len(clips) for name, clips in split.items()} == dict(
            train=10, val=2, unlabeled=24)
        load_tool('new_config').main(
            ['data/mine.pkl', '-o', 'mine.py', '--layout', 'nturgb+d'])
        done = run_forked(
            ROOT / 'tools/train.py', 'mine.py', '--cfg-options',
            'train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
            'train_dataloader.dataset.times=2')
        assert done.returncode == 0, done.stderr
        load_tool('report').main(['work_dirs/mine'])
        assert 'wrote work_dirs/mine/report.html' in capsys.readouterr().out
        check_report(browser, folder / 'work_dirs/mine/report.html')
