from .converter import (
    build_annotations,
    build_splits,
    convert,
    find_twins,
    summarize,
)
from .reader import ACTIONS, CLASSES, NWUCLAError, read_sequences

__all__ = [
    'ACTIONS', 'CLASSES', 'NWUCLAError', 'build_annotations', 'build_splits',
    'convert', 'find_twins', 'read_sequences', 'summarize'
]
