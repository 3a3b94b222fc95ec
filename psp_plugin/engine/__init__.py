from .hooks import (
    AtomicCheckpointHook,
    ExactResumeHook,
    InterleaveHook,
    StopOnNonFiniteHook,
)
from .optim import BFloat16OptimWrapper

__all__ = [
    'AtomicCheckpointHook', 'BFloat16OptimWrapper', 'ExactResumeHook',
    'InterleaveHook', 'StopOnNonFiniteHook'
]
