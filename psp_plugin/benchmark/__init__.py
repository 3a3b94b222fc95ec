"""How fast a config trains, and the plain path it is compared with."""
from .cases import MODES, Case, Mode, make_case
from .loading import Loading, time_loading
from .reference import ReferencePath
from .report import as_table, loading_lines, step_rows
from .step import Timing, count_flops, peak_flops, time_steps

__all__ = [
    'Case', 'Loading', 'MODES', 'Mode', 'ReferencePath', 'Timing', 'as_table',
    'count_flops', 'loading_lines', 'make_case', 'peak_flops', 'step_rows',
    'time_loading', 'time_steps'
]
