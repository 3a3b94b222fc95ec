from .conversion import from_official, to_official
from .files import convert_file, read_official
from .names import official_name

__all__ = [
    'convert_file', 'from_official', 'official_name', 'read_official',
    'to_official'
]
