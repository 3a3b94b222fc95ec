"""Hooks and optimizer parts that configs add to MMEngine's runner.

:class:`InterleaveHook` adds a batch of unlabelled clips to every step.
"""
from .hooks import (
    AtomicCheckpointHook,
    CheckpointFitHook,
    CompileHook,
    ExactResumeHook,
    InterleaveHook,
    StopOnNonFiniteHook,
    SyncStatisticsHook,
)
from .optim import BFloat16OptimWrapper, LayerDecayConstructor

__all__ = [
    'AtomicCheckpointHook', 'BFloat16OptimWrapper', 'CheckpointFitHook',
    'CompileHook', 'ExactResumeHook', 'InterleaveHook',
    'LayerDecayConstructor', 'StopOnNonFiniteHook', 'SyncStatisticsHook'
]
