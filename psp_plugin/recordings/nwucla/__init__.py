from .converter import (
    build_annotations,
    build_splits,
    convert,
    find_duplicates,
    summarize,
)
from .reader import ACTIONS, CLASSES, NWUCLAError, read_sequences

__all__ = [
    'ACTIONS', 'CLASSES', 'NWUCLAError', 'build_annotations', 'build_splits',
    'convert', 'find_duplicates', 'read_sequences', 'summarize'
]
