"""What a file holds of one clip, in the terms that all formats share.

Shape legend: M person, T frame, V joint, C coordinate (2 or 3).
"""
from dataclasses import dataclass, field
from typing import (
    Any,
    Callable,
    Dict,
    Hashable,
    List,
    NamedTuple,
    Optional,
    Pattern,
    Tuple,
    Union,
)

import numpy as np

# Maximum number of frames of a clip, so that a wrong frame number or rate does
# not exhaust the memory: almost an hour at 30 frames per second.
LONGEST = 100_000


class InvalidRecording(ValueError):
    """A problem of a recording; the message is a predicate about it."""


class Detection(NamedTuple):
    """One person in one frame.

    Args:
        points: Coordinates (V, C); joints that were not found are zero.
        scores: Scores of the joints (V,), if the format has them.
        number: The number by which the file identifies the person in all
            frames; None if it does not.
    """
    points: np.ndarray
    scores: Optional[np.ndarray] = None
    number: Optional[Hashable] = None


@dataclass
class Recording:
    """One clip of a file, before its persons are followed and ranked.

    A reader gives either ``frames``, the persons of every frame, or
    ``points``, an array in which the persons are already told apart.

    Args:
        frames: The persons of each of T frames; a frame without one is an
            empty list.
        points: Coordinates (M, T, V, C), or (T, V, C) for one person.
        scores: Scores of the joints, like ``points`` without C.
        name: Name of the clip in a file of several clips; '' for the only
            one.
        label: The class, an integer or a name, if the file has it.
        img_shape: Height and width of the image in pixels, if known.
        fps: Frames per second, if known.
        layout: Name of the joint layout in ``psp_plugin.skeletons``, or the
            table of an own one, if known.
        joint_names: Names of the joints, if the file has them and they are
            not those of a known layout.
        order_known: Whether the axes of ``points`` are in that order;
            otherwise it is checked, or chosen by the user.
        problem: Why this clip of a file of several is invalid; '' if it is
            not.
        notes: Remarks for the user, predicates about the recording.
        splits: The splits of its file that contain it.
    """
    frames: Optional[List[List[Detection]]] = None
    points: Optional[np.ndarray] = None
    scores: Optional[np.ndarray] = None
    name: str = ''
    label: Union[int, str, None] = None
    img_shape: Any = None
    fps: Optional[float] = None
    layout: Union[str, Dict[str, Any], None] = None
    joint_names: Optional[Tuple[str, ...]] = None
    order_known: bool = True
    problem: str = ''
    notes: List[str] = field(default_factory=list)
    splits: Tuple[str, ...] = ()


class Format(NamedTuple):
    """A file format.

    The content of a file is read once, by its suffix: ``.json`` to Python
    objects, text (``.txt``, ``.csv``, ``.skeleton``, ``.bvh``) to a string
    without byte-order mark and with ``\\n`` as line ends, ``.mat`` to SciPy's
    dict, ``.npz`` to a dict of arrays, ``.npy`` to an array, ``.pkl`` to
    plain objects. Formats of the same suffix are tried in order, and the
    first that recognizes the content reads it.

    Args:
        name: Its name for users, such as ``'OpenPose'``.
        suffixes: The suffixes of its files, such as ``('.json', )``.
        matches: Whether a content is of this format. It looks at keys and
            shapes and never raises.
        read: Returns the recordings of a content, at least one, or raises
            :class:`InvalidRecording`. With ``frame_name`` it takes a dict of
            frame number -> content.
        frame_name: For formats of one file per frame, a pattern of the file's
            name with the groups ``clip`` and ``frame``: the files of one
            folder with the same ``clip`` are one recording.
        takes_joints: Whether ``read`` takes the number of joints, or None,
            as second argument.
    """
    name: str
    suffixes: Tuple[str, ...]
    matches: Callable[[Any], bool]
    read: Callable[..., List[Recording]]
    frame_name: Optional[Pattern[str]] = None
    takes_joints: bool = False
