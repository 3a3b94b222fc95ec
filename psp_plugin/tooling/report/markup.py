"""Pieces of HTML; every text that comes from a file goes through them."""
from html import escape
from typing import Iterable, Sequence


def text(value: object) -> str:
    """A value as text of HTML."""
    return escape(str(value))


def paragraph(value: object, kind: str = '') -> str:
    """A paragraph of text."""
    return f'<p class="{kind}">{text(value)}</p>' if kind else (
        f'<p>{text(value)}</p>')


def facts(rows: Iterable[Sequence[object]]) -> str:
    """A list of names and values."""
    return '<dl class="facts">' + ''.join(
        f'<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>'
        for name, value in rows) + '</dl>'
