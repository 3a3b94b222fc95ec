"""The reference values of the released implementation."""
import os
from pathlib import Path

import numpy as np
import pytest
import torch

DEFAULT = Path(__file__).resolve().parents[2] / 'shared/reference'


def read(file):
    """Reads a reference file, which is not part of the repository."""
    named = os.environ.get('PSP_REFERENCE')
    path = Path(named or DEFAULT) / f'{file}.npz'
    if not path.is_file():
        if named:
            pytest.fail(f'PSP_REFERENCE is {named}, which has no {path.name}')
        pytest.skip('needs the reference values of the released '
                    f'implementation: set PSP_REFERENCE to the folder of '
                    f'{path.name}')
    with np.load(path) as arrays:
        return {key: torch.from_numpy(value) for key, value in arrays.items()}


def clips(arrays, branch):
    """The (N, C, T, V, M) inputs as (N, 1, M, T, V, 2C)."""
    return torch.cat([
        arrays[f'in/{branch}_{stream}'].permute(0, 4, 2, 3, 1)
        for stream in ('joint', 'motion')
    ], -1)[:, None]


def relative(ours, theirs):
    assert ours.shape == theirs.shape
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()
