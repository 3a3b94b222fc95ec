from .atomic_checkpoint import AtomicCheckpointHook
from .compiling import CompileHook
from .exact_resume import ExactResumeHook
from .interleave import InterleaveHook
from .non_finite import StopOnNonFiniteHook

__all__ = [
    'AtomicCheckpointHook', 'CompileHook', 'ExactResumeHook',
    'InterleaveHook', 'StopOnNonFiniteHook'
]
