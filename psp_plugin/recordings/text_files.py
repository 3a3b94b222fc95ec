"""Reads text files, whatever their encoding and line ends."""
import codecs
from pathlib import Path
from typing import Union

from .recording import InvalidRecording

# UTF-32 comes first: its little-endian mark begins with that of UTF-16.
_MARKS = ((codecs.BOM_UTF32_LE, 'utf-32'), (codecs.BOM_UTF32_BE, 'utf-32'),
          (codecs.BOM_UTF8, 'utf-8-sig'), (codecs.BOM_UTF16_LE, 'utf-16'),
          (codecs.BOM_UTF16_BE, 'utf-16'))


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
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)),
                    'utf-8')
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidRecording(
            f'is not text in {encoding.upper().replace("-SIG", "")} (byte '
            f'{error.start} cannot be decoded): save it as UTF-8') from error
    if '\0' in text:
        raise InvalidRecording(
            'has null characters, so that it is a binary file or UTF-16 '
            'without byte-order mark: save it as UTF-8')
    return text.replace('\r\n', '\n').replace('\r', '\n')
