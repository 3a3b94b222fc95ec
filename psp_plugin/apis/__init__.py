"""What to import in a program of your own, listed in one place.

docs/reference/python.md has an example of each. Components of configs are
looked up in the toolbox's registries by their names instead.
"""
from psp_plugin.annotations import (
    PickleFileError,
    describe,
    load_pickle,
    survey,
)
from psp_plugin.commands.clips import ClipError
from psp_plugin.commands.find_clips import find_clips
from psp_plugin.commands.loading import choose_device, load_model
from psp_plugin.datasets.split import choose_labeled, read_split, write_split
from psp_plugin.errors import InputError
from psp_plugin.recordings import (
    ReadOptions,
    RecordingError,
    convert_folder,
    explain,
    read_labels,
    read_recording,
)
from psp_plugin.skeletons import (
    SkeletonPyramid,
    get_pyramid,
    register_layout,
)
from psp_plugin.tooling.export import export_onnx
from psp_plugin.tooling.visualization import (
    clip_attention,
    draw_attention,
    write_skeleton_video,
)

from .inferencer import SkeletonInferencer
from .live import classify_lines
from .report import as_csv, as_json, as_text
from .segments import find_segments
from .stream import SkeletonStream

__all__ = [
    'ClipError', 'InputError', 'PickleFileError', 'ReadOptions',
    'RecordingError', 'SkeletonInferencer', 'SkeletonPyramid',
    'SkeletonStream', 'as_csv', 'as_json', 'as_text', 'choose_device',
    'choose_labeled', 'classify_lines', 'clip_attention', 'convert_folder',
    'describe', 'draw_attention', 'explain', 'export_onnx', 'find_clips',
    'find_segments', 'get_pyramid', 'load_model', 'load_pickle', 'read_labels',
    'read_recording', 'read_split', 'register_layout', 'survey',
    'write_skeleton_video', 'write_split'
]
