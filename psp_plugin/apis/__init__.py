"""What to import in a program of your own."""
from psp_plugin.commands.clips import ClipError

from .inferencer import SkeletonInferencer
from .report import as_json, as_text

__all__ = ['ClipError', 'SkeletonInferencer', 'as_json', 'as_text']
