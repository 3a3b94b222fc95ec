"""Arrays of key points: ``.npy``, and nested lists in JSON."""
from typing import Any, List

import numpy as np

from ..recording import Format, Recording
from .nested import numbers


def is_nested_list(content: Any) -> bool:
    """Whether a JSON value is a list of numbers or of lists."""
    return isinstance(content, list) and not any(
        isinstance(value, (dict, str)) for value in content)


def read_array(content: Any) -> List[Recording]:
    """Reads an array of key points, the order of whose axes is not known."""
    return [Recording(points=numbers(content), order_known=False)]


def is_nwucla(content: Any) -> bool:
    """Whether a JSON value has the key of NW-UCLA's files."""
    return isinstance(content, dict) and 'skeletons' in content


def read_nwucla(content: Any) -> List[Recording]:
    """Reads ``skeletons`` (T, V, 3) of the published NW-UCLA files."""
    points = numbers(content['skeletons'])
    layout = 'nwucla' if points.shape[1:] == (20, 3) else None
    return [Recording(points=points, layout=layout)]


FORMATS = (
    Format('NumPy array', ('.npy', ),
           lambda content: isinstance(content, np.ndarray), read_array),
    Format('NW-UCLA', ('.json', ), is_nwucla, read_nwucla),
    Format('list of numbers', ('.json', ), is_nested_list, read_array),
)
