"""Inputs that are not in the repository: recordings of users' problems."""
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def case(name: str) -> Path:
    """Returns the folder of a case; skips the test where it is absent.

    It is looked for in the folder that PSP_CASES names, and in shared/cases
    next to the repository.
    """
    folders = [ROOT.parent / 'shared' / 'cases']
    if os.environ.get('PSP_CASES'):
        folders.insert(0, Path(os.environ['PSP_CASES']))
    for folder in folders:
        if (folder / name).is_dir():
            return folder / name
    pytest.skip(f'case {name} is not there: set PSP_CASES to its folder')
