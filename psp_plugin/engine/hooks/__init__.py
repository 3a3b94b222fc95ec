from .atomic_checkpoint import AtomicCheckpointHook
from .checkpoint_fit import CheckpointFitHook
from .compiling import CompileHook
from .contrast_monitor import ContrastMonitorHook
from .exact_resume import ExactResumeHook
from .interleave import InterleaveHook
from .non_finite import StopOnNonFiniteHook
from .sync_statistics import SyncStatisticsHook

__all__ = [
    'AtomicCheckpointHook', 'CheckpointFitHook', 'CompileHook',
    'ContrastMonitorHook', 'ExactResumeHook', 'InterleaveHook',
    'StopOnNonFiniteHook', 'SyncStatisticsHook'
]
