from .classifiers import fit_linear, nearest_classes
from .evaluate import Score, as_records, as_table, evaluate

__all__ = ['Score', 'as_records', 'as_table', 'evaluate', 'fit_linear',
           'nearest_classes']
