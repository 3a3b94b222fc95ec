"""Annotation files, i.e. ``PoseDataset`` pickles: reading and validation.

They are read without running code from them.
"""
from .clip_checks import (
    Layout,
    Problem,
    checked_img_shape,
    common_layout,
    find_problems,
    is_integer,
    is_unlabeled,
    shown,
)
from .file import (
    AnnotationError,
    AnnotationFile,
    InvalidClip,
    absent_clips,
    annotation_path,
    check_annotation_file,
    parse_annotations,
    read_annotations,
    read_pickle,
    repeated_names,
    select_clips,
    several,
)
from .invalid_clips import (
    InvalidClipError,
    check_policy,
    clip_name,
    pass_pipeline,
    take_clip,
)
from .pickles import PickleFileError, load_pickle, write_pickle
from .prepare import Preparation, prepare, sha256_of
from .prepared import (
    ClipLabels,
    ClipNames,
    PreparedClips,
    PreparedFile,
    PreparedFileError,
    is_prepared,
)
from .survey import Survey, survey
from .survey_report import describe, row

__all__ = [
    'AnnotationError', 'AnnotationFile', 'ClipLabels', 'ClipNames',
    'InvalidClip', 'InvalidClipError', 'Layout', 'PickleFileError',
    'Preparation', 'PreparedClips', 'PreparedFile', 'PreparedFileError',
    'Problem', 'Survey', 'absent_clips', 'annotation_path',
    'check_annotation_file', 'check_policy', 'checked_img_shape', 'clip_name',
    'common_layout', 'describe', 'find_problems', 'is_integer', 'is_prepared',
    'is_unlabeled', 'load_pickle', 'parse_annotations', 'pass_pipeline',
    'prepare', 'read_annotations', 'read_pickle', 'repeated_names', 'row',
    'select_clips', 'several', 'sha256_of', 'shown', 'survey', 'take_clip',
    'write_pickle'
]
