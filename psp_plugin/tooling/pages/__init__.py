"""What the label page and the report share: clips that play in a browser."""
from .clips import clip_for_page, lines_of, up_axis
from .text import as_json, read_asset

__all__ = ['as_json', 'clip_for_page', 'lines_of', 'read_asset', 'up_axis']
