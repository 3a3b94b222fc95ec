"""The report of a run: its numbers, its contents and invalid input."""
import html
import importlib.util
import json
import re

import pytest
from forked import run_forked
from report_runs import CLASSES, CONFIG, write_pretraining, write_run
from toy import CONFIGS, load_tool

from psp_plugin.engine.atomic_backend import AtomicBackend
from psp_plugin.tooling.experiments.run_folder import score_of_test

TOOLS = CONFIGS.parent / 'tools'


@pytest.fixture(scope='module')
def main():
    return load_tool('report').main


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp('run'))


@pytest.fixture(scope='module')
def report(main, run):
    main([str(run)])
    return (run / 'report.html').read_text(encoding='utf-8')


def data_of(report):
    return json.loads(re.search(
        r'<script type="application/json" id="data">(.*?)</script>',
        report)[1])


def shown(report):
    """The text of the sections."""
    main = report.partition('<main>')[2].partition('</main>')[0]
    return html.unescape(re.sub(r'<[^>]*>', ' ', main))


def test_numbers_are_those_of_the_test(report, run, tmp_path):
    checkpoint = run / 'best_acc_top1_epoch_1.pth'
    done = run_forked(TOOLS / 'test.py', run / CONFIG, checkpoint,
                      '--work-dir', tmp_path)
    assert done.returncode == 0, done.stderr
    log, = tmp_path.glob('*/*.json')
    numbers = json.loads(log.read_text())
    text = shown(report)
    for key, name in (('acc/top1', 'Top-1'), ('acc/top5', 'Top-5'),
                      ('acc/mean1', 'Mean class accuracy')):
        assert re.search(rf'{numbers[key]:.1%}\s+{name}\s', text), key
    data = data_of(report)
    matrix = data['matrix']
    right = sum(matrix[label][label] for label in range(6))
    assert right / 20 == pytest.approx(score_of_test(tmp_path))
    for clip in data['clips']:
        matrix[clip['label']][clip['best'][0][0]] -= 1
    assert not any(map(any, matrix))  # all clips are in their cells


def test_what_the_page_states(report):
    text = shown(report)
    assert '20 clips of split xsub_val' in text
    assert '12 labelled training clips, 28 unlabelled' in text
    assert 'best_acc_top1_epoch_1.pth, the best in validation' in text
    assert 'on 20 of the 20 clips that are tested here' in text
    assert 'Of the 28 unlabelled training clips, the 24 with' in text
    assert text.count(' of 4 ') + text.count(' of 3 ') == 6  # per class
    assert 'not recorded: only tools/run_study.py records it' in text
    assert 'A gap in a curve is a value that is NaN or infinite.' in text
    data = data_of(report)
    assert data['classes'] == list(CLASSES)
    assert len(data['points']) == len(data['clips']) == 20
    # Of the training clips without label, by increasing margin.
    margins = [best[0][1] - best[1][1] for best in (
        clip['best'] for clip in data['least'])]
    assert margins == pytest.approx(sorted(margins), abs=2e-4)
    assert all(clip['label'] is None for clip in data['least'])
    assert len({clip['name'] for clip in data['least']}) == 24


def test_the_same_bytes_again_and_fewer_clips(main, run, report, tmp_path):
    main([str(run), '-o', str(tmp_path / 'a.html')])
    again = (tmp_path / 'a.html').read_text(encoding='utf-8')
    assert again.replace(f' -o {tmp_path}/a.html', '') == report
    main([str(run), '-o', str(tmp_path / 'b.html'), '--clips', '5',
          '--unlabeled', '7'])
    fewer = (tmp_path / 'b.html').read_text(encoding='utf-8')
    assert '15 are not in this file, but counted in all numbers' in shown(
        fewer)
    assert 't-SNE of 5 clips is not meaningful' in shown(fewer)
    assert ('Of 7 unlabelled training clips, drawn at random from 28, the 7 '
            'with the smallest margin') in shown(fewer)
    data = data_of(fewer)
    assert data['matrix'] == data_of(report)['matrix']
    assert all(clip['label'] != clip['best'][0][0] for clip in data['clips'])


def test_two_files_and_invalid_clips(main, tmp_path):
    """Unlabelled clips of a dataset of their own, whose labels are unread."""
    def change(content):
        by_name = {clip['frame_dir']: clip for clip in content['annotations']}
        names = content['split']['val']
        by_name[names[0]]['label'] = None
        by_name[names[1]]['keypoint'][:] = 0
        by_name[names[2]]['label'] = 6

    work_dir = write_run(tmp_path, change=change, **{
        'custom_hooks.0.unlabeled_dataloader.dataset': dict(
            type='CheckedPoseDataset', ann_file=str(tmp_path / 'ntu.pkl'),
            split='unlabeled', drop_labels=True, pipeline=[])})
    main([str(work_dir), '--split', 'val'])
    text = shown((work_dir / 'report.html').read_text(encoding='utf-8'))
    assert '17 clips of split val' in text and 'Clips left out: 3' in text
    for name, problem in (('040', 'no label'), ('041', 'key points'),
                          ('042', 'label 6')):
        assert re.search(f'A{name} [^.]*{problem}', text), text[:1500]
    assert 'Of the 40 unlabelled training clips' in text


def test_labels_of_unlabelled_clips_have_no_influence(main, run, report,
                                                      tmp_path):
    """The labelled clips are named, so that the draw reads no label."""
    names = tmp_path / 'labeled.txt'
    names.write_text('\n'.join(f'S001C001P001R001A{i:03}' for i in range(12)))

    def change(content):
        for clip in content['annotations'][12:40]:
            clip['label'] = 0

    pages = []
    for folder, changed in (('a', None), ('b', change)):
        (tmp_path / folder).mkdir()
        work_dir = write_run(tmp_path / folder, change=changed, **{
            'train_dataloader.dataset.dataset.labeled_per_class': None,
            'train_dataloader.dataset.dataset.split_file': str(names)})
        main([str(work_dir)])
        page = (work_dir / 'report.html').read_text(encoding='utf-8')
        pages.append((data_of(page), re.search(r'id="clips">.*', page)[0]))
    assert pages[0] == pages[1]


def test_labels_only_and_the_last_checkpoint(main, tmp_path):
    work_dir = write_run(tmp_path, checkpoint='epoch_2.pth', custom_hooks=[],
                         **{'model.neck': None, 'model.projector': None,
                            'model.loss_con': None})
    (work_dir / 'last_checkpoint').write_text('/moved/epoch_2.pth')
    main([str(work_dir)])
    text = shown((work_dir / 'report.html').read_text(encoding='utf-8'))
    assert 'epoch_2.pth, the last one' in text
    assert 'was chosen as the best' not in text
    assert 'it has no InterleaveHook' in text
    assert 'this PSPRecognizer has no neck, thus no attention' in text


def test_a_pre_training_has_no_predictions(main, tmp_path):
    work_dir = write_pretraining(tmp_path)
    main([str(work_dir)])
    report = (work_dir / 'report.html').read_text(encoding='utf-8')
    text = shown(report)
    assert text.count('This run is a pre-training') == 1
    assert '12 clips of split xview_val' in text
    assert 'none; 24 training clips without labels' in text
    assert '2026-01-02 03:04:05' in text
    data = data_of(report)
    assert data['matrix'] is None and data['least'] == []
    assert len(data['clips']) == len(data['points']) == 12


def without(folder, *names):
    for name in names:
        (folder / name).unlink()


@pytest.mark.parametrize('spoil, message', [
    (lambda folder: without(folder, CONFIG), 'contains no config'),
    (lambda folder: (folder / 'b.py').touch(),
     f"contains several configs, 'b.py', '{CONFIG}': choose one with"),
    (lambda folder: without(folder, 'epoch_1.pth'),
     'contains no checkpoint'),
    (lambda folder: (folder / '1/vis_data/scalars.json').write_text('[]\n'),
     'is damaged, remove it'),
    (lambda folder: (folder / 'report.html').mkdir(),
     'is a folder: name a file with -o'),
    (lambda folder: without(folder, '../ntu.pkl'), 'ntu.pkl'),
])
def test_bad_folders_are_one_sentence(main, tmp_path, spoil, message):
    work_dir = write_run(tmp_path, checkpoint='epoch_1.pth')
    spoil(work_dir)
    with pytest.raises(SystemExit) as stop:
        main([str(work_dir)])
    assert message in stop.value.code and '\n' not in stop.value.code
    assert not (work_dir / 'report.html').is_file()


def test_the_checkpoint_is_missing(main, run):
    with pytest.raises(SystemExit) as stop:
        main([str(run), '--checkpoint', 'none.pth'])
    assert stop.value.code == 'none.pth is not a checkpoint on this machine.'


def test_nothing_can_be_tested(main, tmp_path):
    def change(content):
        for clip in content['annotations']:
            clip['keypoint'] = clip['keypoint'][:, :, :9]

    work_dir = write_run(tmp_path, change=change)
    with pytest.raises(SystemExit) as stop:
        main([str(work_dir)])
    assert 'none of the 20 test clips can be tested' in stop.value.code
    assert 'has 9 joints' in stop.value.code


def test_a_full_disk_leaves_no_half_file(main, run, tmp_path, monkeypatch):
    def full(backend, content, path):
        with open(f'{path}.part', 'wb') as stream:
            stream.write(content[:100])
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(AtomicBackend, 'put', full)
    with pytest.raises(SystemExit) as stop:
        main([str(run), '-o', str(tmp_path / 'a.html')])
    assert stop.value.code == (f'{tmp_path}/a.html cannot be written: No '
                               'space left on device.')
    assert not list(tmp_path.iterdir())


def test_plotly_is_missing(main, run, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit, match='needs plotly, which is not'):
        main([str(run), '-o', str(tmp_path / 'a.html')])
