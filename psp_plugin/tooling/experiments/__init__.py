from .compare import compare
from .plan import Run, plan_runs
from .record import Record
from .runner import carry_out
from .slurm import add_launcher, queue_of
from .study import plan_study, read_study
from .table import write_tables
from .work import Outcome

__all__ = ['Outcome', 'Record', 'Run', 'add_launcher', 'carry_out', 'compare',
           'plan_runs', 'plan_study', 'queue_of', 'read_study',
           'write_tables']
