from .semi_supervised import SemiSupervisedDataset
from .transforms import *  # noqa: F401,F403

__all__ = ['SemiSupervisedDataset']
