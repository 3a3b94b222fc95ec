"""Resets the training progress, which other tests may have set."""
import pytest
from unlabeled import reset_message_hub


@pytest.fixture(autouse=True)
def no_runner():
    reset_message_hub()
