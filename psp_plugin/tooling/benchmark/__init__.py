"""Times training steps, loading and inference, and a plain reference path."""
from .cases import MODES, Case, Mode, make_case
from .costs import count_flops, kept_bytes, peak_flops
from .inference import Inference, inference_lines, time_inference
from .loading import Loading, time_loading
from .methods import time_methods
from .reference import ReferencePath
from .report import as_table, loading_lines, step_rows
from .step import Timing, time_steps
from .synthetic_clips import use_synthetic_clips, write_clips
from .trace import trace_steps
from .training import Training, time_training

__all__ = [
    'Case', 'Inference', 'Loading', 'MODES', 'Mode', 'ReferencePath',
    'Timing', 'Training', 'as_table', 'count_flops', 'inference_lines',
    'kept_bytes', 'loading_lines', 'make_case', 'peak_flops', 'step_rows',
    'time_inference', 'time_loading', 'time_methods', 'time_steps',
    'time_training', 'trace_steps', 'use_synthetic_clips', 'write_clips'
]
