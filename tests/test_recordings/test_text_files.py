"""Encodings and line ends of text files."""
import codecs
import json

import pytest

from psp_plugin.recordings.recording import InvalidRecording
from psp_plugin.recordings.text_files import read_text

TEXT = '{"a": "é"}\n\n1\n'


@pytest.mark.parametrize('ends', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize('encoding', [
    'utf-8', 'utf-8-sig', 'utf-16', 'utf-32'])
def test_encodings_and_line_ends(tmp_path, encoding, ends):
    path = tmp_path / 'a.txt'
    path.write_bytes(TEXT.replace('\n', ends).encode(encoding))
    assert read_text(path) == TEXT
    assert json.loads(read_text(str(path)).split('\n')[0]) == {'a': 'é'}


def test_big_endian(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_bytes(codecs.BOM_UTF16_BE + TEXT.encode('utf-16-be'))
    assert read_text(path) == TEXT


@pytest.mark.parametrize('data, reason', [
    (b'a\xff', r'not text in UTF-8 \(byte 1'),
    (codecs.BOM_UTF16_LE + b'a', 'not text in UTF-16'),
    (TEXT.encode('utf-16-le'), 'not text in UTF-8|null characters'),
    ('ab'.encode('utf-16-le'), 'null characters')])
def test_other_files_are_refused(tmp_path, data, reason):
    path = tmp_path / 'a.txt'
    path.write_bytes(data)
    with pytest.raises(InvalidRecording, match=reason):
        read_text(path)
