"""Reads text files, whatever their encoding and line ends."""
import codecs
from pathlib import Path
from typing import Tuple, Union

from .recording import InvalidRecording

# UTF-32 comes first: its little-endian mark begins with that of UTF-16.
_MARKS = ((codecs.BOM_UTF32_LE, 'utf-32-le'),
          (codecs.BOM_UTF32_BE, 'utf-32-be'), (codecs.BOM_UTF8, 'utf-8'),
          (codecs.BOM_UTF16_LE, 'utf-16-le'),
          (codecs.BOM_UTF16_BE, 'utf-16-be'))


def encoding_of(data: bytes) -> Tuple[bytes, str]:
    """Returns byte-order mark and encoding of a text, b'' and UTF-8 without.

    Args:
        data (bytes): The text, or its first four bytes.
    """
    return next((pair for pair in _MARKS if data.startswith(pair[0])),
                (b'', 'utf-8'))


def read_text(path: Union[str, Path]) -> str:
    """Reads a text file in UTF-8, or in the encoding of its byte-order mark.

    Args:
        path (str or Path): The file, in UTF-8 with or without byte-order
            mark, or in UTF-16 or UTF-32 with byte-order mark; its lines end
            in LF, CR LF or CR.

    Returns:
        str: The text without byte-order mark, with ``\\n`` as line ends.

    Raises:
        InvalidRecording: If it is not text in one of these encodings.
        OSError: If the file cannot be read.
    """
    data = Path(path).read_bytes()
    mark, encoding = encoding_of(data)
    try:
        text = data[len(mark):].decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidRecording(
            f'is not text in {encoding.upper()[:6].rstrip("-")} (byte '
            f'{len(mark) + error.start} cannot be decoded): save it as UTF-8'
        ) from error
    if '\0' in text:
        raise InvalidRecording(
            'has null characters, so that it is a binary file or UTF-16 '
            'without byte-order mark: save it as UTF-8')
    return text.replace('\r\n', '\n').replace('\r', '\n')
