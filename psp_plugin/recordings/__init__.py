"""Makes annotation files of recordings: your own, and those of NW-UCLA.

Reads the files of pose estimators, sensors and datasets, and label tables.
"""
from .checks import ReadClip, in_order, make_clips
from .conversion import Conversion, skipped_table, summarize, write_report
from .converter import FOLDERS, INSIDE, convert_folder
from .explanation import explain
from .folder import OF_CLIPS, ConvertError, Skipped, find_recordings
from .labels import (
    LabelError,
    LabelTable,
    classes_in,
    clip_name,
    is_empty,
    number_labels,
    read_classes,
    read_columns,
    read_labels,
)
from .options import ReadOptions
from .reader import (
    RecordingError,
    read_clip,
    read_clips,
    read_recording,
    split_clip,
)
from .recording import Detection, InvalidRecording, Recording
from .resampling import same_rate
from .sources import FORMATS, SUFFIXES, Source, is_other_text
from .text_files import encoding_of

__all__ = [
    'FOLDERS', 'FORMATS', 'INSIDE', 'OF_CLIPS', 'SUFFIXES', 'Conversion',
    'ConvertError', 'Detection', 'InvalidRecording', 'LabelError',
    'LabelTable', 'ReadClip', 'ReadOptions', 'Recording', 'RecordingError',
    'Skipped', 'Source', 'classes_in', 'clip_name', 'convert_folder',
    'encoding_of', 'explain', 'find_recordings', 'in_order', 'is_empty',
    'is_other_text', 'make_clips', 'number_labels', 'read_classes',
    'read_clip', 'read_clips', 'read_columns', 'read_labels', 'read_recording',
    'same_rate', 'skipped_table', 'split_clip', 'summarize', 'write_report'
]
