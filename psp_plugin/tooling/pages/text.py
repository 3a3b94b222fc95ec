"""Text that is safe inside a page."""
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def read_asset(name: str) -> str:
    """Reads a script or style sheet of this folder, such as ``player.js``."""
    return (HERE / name).read_text(encoding='utf-8')


def as_json(content: Any) -> str:
    """Formats JSON that may stand inside a ``<script>`` element.

    ``<``, ``>`` and ``&`` are escaped, so that no name in it can close the
    element or start another one.

    Args:
        content: Plain data without NaN or infinite numbers.

    Raises:
        ValueError: If a number is NaN or infinite, which JSON does not have.
    """
    text = json.dumps(content, allow_nan=False, separators=(',', ':'))
    for sign in '<>&':
        text = text.replace(sign, f'\\u{ord(sign):04x}')
    return text
