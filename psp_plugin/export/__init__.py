from .compare import Comparison, compare
from .scores import ClassScores, ExportError, trace
from .writer import export_onnx, require_packages

__all__ = [
    'ClassScores', 'Comparison', 'ExportError', 'compare', 'export_onnx',
    'require_packages', 'trace'
]
