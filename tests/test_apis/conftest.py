"""A model that classifies by the direction of motion."""
import pytest
from direction import write_direction_model

from psp_plugin.apis import SkeletonInferencer


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_direction_model(tmp_path_factory.mktemp('direction'))


@pytest.fixture(scope='module')
def inferencer(model):
    return SkeletonInferencer(*model, device='cpu')
