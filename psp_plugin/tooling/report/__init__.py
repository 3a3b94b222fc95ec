"""The report of a run: one HTML file that opens without a network."""
from .content import Content, collect
from .folder import Checkpoint, find_checkpoint, find_config
from .page import check_output, write_report

__all__ = [
    'Checkpoint', 'Content', 'check_output', 'collect', 'find_checkpoint',
    'find_config', 'write_report'
]
