"""Small inputs of users, which are not in the repository."""
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def case(name: str) -> Path:
    """Returns the folder of a case; skips the test where it is absent.

    The folder of cases is ``PSP_CASES``, or ``shared/cases`` next to the
    checkout.
    """
    folder = Path(os.environ.get('PSP_CASES',
                                 ROOT.parent / 'shared/cases')) / name
    if not folder.is_dir():
        pytest.skip(f'needs the case {name}: set PSP_CASES to the folder of '
                    'cases')
    return folder
