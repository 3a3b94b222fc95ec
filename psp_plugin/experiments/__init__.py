from .plan import Run, plan_runs
from .runner import Outcome, carry_out
from .table import write_tables

__all__ = ['Outcome', 'Run', 'carry_out', 'plan_runs', 'write_tables']
