"""Inputs of the kinds that people have, next to the checkout or in PSP_CASES.
"""
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def case(name):
    """The folder of a case; skips the test where it is absent."""
    folder = os.environ.get('PSP_CASES', ROOT.parent / 'shared' / 'cases')
    path = Path(folder) / name
    if not path.is_dir():
        pytest.skip(f'needs the case {name}: set PSP_CASES to its folder')
    return path
