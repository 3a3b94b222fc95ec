from .conversion import Conversion
from .converter import convert_folder
from .folder import ConvertError, Skipped
from .labels import LabelError, LabelTable, read_classes, read_labels
from .reader import SUFFIXES, RecordingError, read_recording
from .report import skipped_table, summarize, write_report

__all__ = [
    'SUFFIXES', 'Conversion', 'ConvertError', 'LabelError', 'LabelTable',
    'RecordingError', 'Skipped', 'convert_folder', 'read_classes',
    'read_labels', 'read_recording', 'skipped_table', 'summarize',
    'write_report'
]
