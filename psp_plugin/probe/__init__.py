from .evaluate import Score, evaluate
from .linear import fit_linear
from .neighbours import nearest_classes
from .report import as_records, as_table

__all__ = ['Score', 'as_records', 'as_table', 'evaluate', 'fit_linear',
           'nearest_classes']
