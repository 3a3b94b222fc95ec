"""The examples of docs/reference/python.md run, and use all of the apis."""
import re
from pathlib import Path

import numpy as np
import pytest
from tiny import write_model

from psp_plugin import apis
from psp_plugin.datasets.synthetic import make_clip

PAGE = Path(__file__).resolve().parents[2] / 'docs/reference/python.md'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    config, checkpoint = write_model(tmp_path)
    Path(config).rename(tmp_path / 'config.py')
    Path(checkpoint).rename(tmp_path / 'checkpoint.pth')
    clips = [make_clip(i % 2, split='train')['keypoint'] for i in range(10)]
    np.save(tmp_path / 'kick.npy', clips[0])
    (tmp_path / 'recordings').mkdir()
    for i, clip in enumerate(clips):
        np.save(tmp_path / f'recordings/{i}.npy', clip)
    (tmp_path / 'recordings/labels.csv').write_text(
        'name,label\n' + ''.join(f'{i},{i % 2}\n' for i in range(8)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_examples_run(folder):
    names = {}
    for block in re.findall(r'^```python\n(.*?)^```$',
                            PAGE.read_text(encoding='utf-8'), re.M | re.S):
        exec(compile(block, str(PAGE), 'exec'), names)
    assert len(names['results'][0]['top']) == 3
    assert names['attention'].maps['joint'].shape == (25, 25)
    assert {path.name for path in folder.iterdir()} >= {
        'mine.pkl', 'labeled.txt', 'kick.png', 'kick.gif', 'model.onnx'}


def test_each_public_name_has_an_example():
    text = PAGE.read_text(encoding='utf-8')
    assert [name for name in apis.__all__
            if not re.search(rf'\b{name}\b', text)] == []
