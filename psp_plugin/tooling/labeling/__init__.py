"""A local web page to label clips; its packages are the extra ``label``."""
from .pool import ClipPool, UndrawableClipError
from .serve import (
    HOST,
    PORT,
    address_of,
    open_socket,
    require_packages,
    run_server,
    start_server,
)
from .store import ConflictError, LabelStore
from .table import TableChangedError

__all__ = [
    'HOST', 'PORT', 'ClipPool', 'ConflictError', 'LabelStore',
    'TableChangedError', 'UndrawableClipError', 'address_of', 'open_socket',
    'require_packages', 'run_server', 'start_server'
]
