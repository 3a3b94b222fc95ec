from .compare import compare
from .plan import Run, plan_runs
from .record import Record
from .runner import Outcome, carry_out
from .study import plan_study, read_study
from .table import write_tables

__all__ = ['Outcome', 'Record', 'Run', 'carry_out', 'compare', 'plan_runs',
           'plan_study', 'read_study', 'write_tables']
