"""A form of annotation files that all processes of a machine share."""
from .clips import ClipLabels, ClipNames, PreparedClips, SplitNames
from .container import PreparedFile, PreparedFileError, is_prepared
from .encoding import Unstorable
from .writer import Writer, written

__all__ = ['ClipLabels', 'ClipNames', 'PreparedClips', 'PreparedFile',
           'PreparedFileError', 'SplitNames', 'Unstorable', 'Writer',
           'is_prepared', 'written']
