"""Models of these tests are in no training, whatever test came before."""
import pytest
from unlabeled import forget_training


@pytest.fixture(autouse=True)
def no_runner():
    forget_training()
