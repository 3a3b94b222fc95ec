"""Makes annotation files of recordings: your own, and those of NW-UCLA.

Reads ``.npy``, ``.json``, ``.skeleton`` and ``.pkl`` files, and label tables.
"""
from .conversion import Conversion, skipped_table, summarize, write_report
from .converter import convert_folder
from .folder import ConvertError, Skipped
from .labels import LabelError, LabelTable, read_classes, read_labels
from .reader import SUFFIXES, RecordingError, read_recording

__all__ = [
    'SUFFIXES', 'Conversion', 'ConvertError', 'LabelError', 'LabelTable',
    'RecordingError', 'Skipped', 'convert_folder', 'read_classes',
    'read_labels', 'read_recording', 'skipped_table', 'summarize',
    'write_report'
]
