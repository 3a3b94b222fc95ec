"""Models of these tests are in no training, whatever test came before."""
import pytest
from unlabeled import reset_message_hub


@pytest.fixture(autouse=True)
def no_runner():
    reset_message_hub()
