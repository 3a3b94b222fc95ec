"""Every problem of docs/guides/bad_input.md raises the error of its row."""
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from bad_inputs import PROBLEMS

from psp_plugin.datasets import (
    AnnotationError,
    InvalidClipError,
    PickleFileError,
)

PAGE = Path(__file__).resolve().parents[1] / 'docs/guides/bad_input.md'
ROW = re.compile(r'^\| (.+) \| (`+)(.+)\2 \| '
                 r'`tests/test_bad_input\.py::test_problem\[(\w+)\]` \|$')
# The documented errors of each section.
DOCUMENTED = {
    'Annotation files':
    (FileNotFoundError, PickleFileError, AnnotationError),
    'Clips of a file': AnnotationError,
    'Clips in training': InvalidClipError,
    'Checkpoints': (FileNotFoundError, ValueError),
    'The labelled split': ValueError,
    'Configs': ValueError,
    'The first step': ValueError,
}


class Row(NamedTuple):
    """A row of the page, and the section it is in."""
    section: str
    problem: str
    sentence: str
    name: str


def read_rows():
    """Parses the rows of the page; other rows of a table are errors."""
    rows, section, body = [], '', False
    for line in PAGE.read_text(encoding='utf-8').splitlines():
        if line.startswith('## '):
            section = line[3:]
        body = line.startswith('|') and (body or line.startswith('|---'))
        if body and not line.startswith('|---'):
            match = ROW.match(line)
            assert match, f'not problem, sentence and test: {line}'
            rows.append(Row(section, match[1], match[3], match[4]))
    return rows


ROWS = read_rows()


def raised(name, folder):
    with pytest.raises(Exception) as error:
        PROBLEMS[name](folder)
    return error.value


def test_every_problem_has_its_row():
    assert sorted(row.name for row in ROWS) == sorted(PROBLEMS)
    assert len(ROWS) == len({row.problem + row.section for row in ROWS}) >= 40
    assert {row.section for row in ROWS} == set(DOCUMENTED)


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.name)
def test_problem(row, tmp_path):
    error = raised(row.name, tmp_path)
    assert isinstance(error, DOCUMENTED[row.section]), repr(error)
    message = str(error)
    assert '\n' not in message
    parts = map(re.escape, map(str.strip, row.sentence.split('...')))
    assert re.search('.*'.join(parts), message), message
    if row.section == 'Clips of a file':
        path = tmp_path / 'a.pkl'
        assert message.startswith(f"{path}, split 'train': clip 'clip")
        assert message.endswith(
            'correct the file, or leave such clips out with '
            "invalid_clips='skip'; `python tools/data/check_dataset.py "
            f'{path}` lists all')
