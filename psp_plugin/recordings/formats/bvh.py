"""Reader of BVH motion capture files, and the joint layout of a hierarchy.

Shape legend: T frame, V joint.
"""
import re
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..recording import LONGEST, Format, InvalidRecording, Recording
from .values import name_words, same_name

# Words of the upper arm's joint, without its side, most certain first.
# LeftShoulder is the collar bone where there is also a LeftArm.
_SHOULDERS = tuple(map(frozenset, (
    ('up', 'arm'), ('upper', 'arm'), ('upperarm', ), ('uparm', ), ('arm', ),
    ('shldr', ), ('shoulder', ))))
_SIDES = {'left', 'right'}
_MOTION = re.compile(r'^[ \t]*MOTION\s+Frames:\s*(\d+)\s+'
                     r'Frame Time:\s*(\S+)[ \t]*$', re.M)
_CHANNELS = re.compile(r'^CHANNELS (\d+)((?: [XYZ](?:position|rotation))*)$')


class Bvh(NamedTuple):
    """The parts of a BVH file.

    Args:
        names: The names of the joints, in the order of the file.
        hierarchy: The text of the hierarchy, in which joints are named by
            their numbers and each statement has its own line.
        motion: The numbers of all frames, (T, channels).
        frame_time: Seconds per frame.
    """
    names: List[str]
    hierarchy: str
    motion: np.ndarray
    frame_time: float


def is_bvh(text: Any) -> bool:
    """Whether a text begins like a BVH file."""
    return isinstance(text, str) and bool(re.match(r'\s*HIERARCHY\b', text))


def read_bvh(text: str) -> List[Recording]:
    """Reads a BVH file: global positions of the joints of one person.

    The package ``upc-pymotion`` reads the hierarchy and computes the forward
    kinematics. End sites are left out. Positions are in the file's unit,
    which BVH does not define. A position channel of a joint replaces its
    offset, as in the common writers of such files.

    Args:
        text (str): The file.

    Returns:
        list[Recording]: One; ``points`` (T, V, 3) and, as layout, the table
        of :func:`layout_table`.

    Raises:
        InvalidRecording: If the package is not installed, or if the file is
            not BVH.
    """
    bvh = split_bvh(text)
    parents, points = forward_kinematics(bvh)
    if points.shape != (len(bvh.motion), len(bvh.names), 3) \
            or not np.isfinite(points).all():
        raise InvalidRecording('has joints whose position cannot be computed '
                               'from its hierarchy and motion')
    return [Recording(
        points=points, layout=layout_table(bvh.names, parents),
        fps=round(1 / bvh.frame_time, 2) if bvh.frame_time > 1e-4 else None,
        notes=['has positions in its own unit, often centimetres'])]


def split_bvh(text: str) -> Bvh:
    """Splits a BVH file and checks the number of its numbers."""
    match = _MOTION.search(text)
    if not match:
        raise InvalidRecording(
            'has no MOTION with "Frames:" and "Frame Time:"')
    lines: List[str] = []
    names: List[str] = []
    channels = 0
    for line in re.sub(r'([{}])', r'\n\1\n', text[:match.start()]).split('\n'):
        line = ' '.join(line.split())
        joint = re.fullmatch('(ROOT|JOINT) (.+)', line)
        if joint:
            line = f'{joint[1]} {len(names)}'
            names.append(joint[2])
        if line.startswith('CHANNELS'):
            channels += count_channels(line, names)
        lines.append(line)
    if sum(line.startswith('ROOT ') for line in lines) != 1:
        raise InvalidRecording('does not have one ROOT, the joint of one '
                               'person')
    frames = int(match[1][:9])
    return Bvh(names, '\n'.join(filter(None, lines)),
               read_motion(text[match.end():], frames, channels),
               seconds(match[2]))


def count_channels(line: str, names: List[str]) -> int:
    """Returns the number of channels of a joint.

    The package reads three rotations, after three positions or alone.
    """
    match = _CHANNELS.match(line)
    kinds = re.findall('[XYZ][pr]', match[2]) if match else []
    rotations = kinds[-3:]
    if not (match and len(kinds) == int(match[1][:3]) in (3, 6)
            and {'Xr', 'Yr', 'Zr'} == set(rotations)
            and len(kinds) in (3, len({*kinds[:3], *rotations}))
            and not any('r' in kind for kind in kinds[:-3])):
        raise InvalidRecording(
            f'has the channels {line[9:60]!r} of joint '
            f'{names[-1] if names else None!r}, not three rotations, or '
            'three positions and three rotations')
    return len(kinds)


def seconds(word: str) -> float:
    """Reads the time of a frame."""
    try:
        return float(word)
    except ValueError:
        raise InvalidRecording(f'has {word[:20]!r} as Frame Time, which is '
                               'not a number') from None


def read_motion(text: str, frames: int, channels: int) -> np.ndarray:
    """Reads the numbers (T, channels) of all frames."""
    if not 0 < frames <= LONGEST or not channels:
        raise InvalidRecording(f'has {frames} frames of {channels} channels, '
                               f'not 1 to {LONGEST} frames')
    try:
        numbers = np.array(text.split(), np.float64)
    except ValueError as error:
        raise InvalidRecording(
            f'has a word in its motion that is not a number ({error})'
        ) from error
    if numbers.size != frames * channels:
        raise InvalidRecording(
            f'has {numbers.size} numbers in its motion, not {frames} frames '
            f'of {channels} channels')
    return numbers.reshape(frames, channels)


def forward_kinematics(bvh: Bvh) -> Tuple[List[Optional[int]], np.ndarray]:
    """Computes the parents and the positions (T, V, 3) of the joints."""
    try:
        from pymotion.io.bvh import BVH
        from pymotion.ops.skeleton import fk_quat
    except ImportError as error:
        raise InvalidRecording(
            'is a BVH file, which needs the package upc-pymotion: '
            'pip install "psp_plugin[bvh]"') from error
    reader = BVH()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'motion.bvh')
        with open(path, 'w', encoding='ascii', errors='replace') as stream:
            stream.write(f'{bvh.hierarchy}\nMOTION\nFrames: '
                         f'{len(bvh.motion)}\nFrame Time: 1\n')
            np.savetxt(stream, bvh.motion, fmt='%.17g')
        try:
            reader.load(str(path))
            rotations, positions, parents, offsets, *_ = reader.get_data()
            positions = used_positions(positions, offsets)
            points, _ = fk_quat(rotations, positions[:, 0], positions,
                                parents)
        except Exception as error:  # the package does not check its input
            raise InvalidRecording(
                f'has a hierarchy that cannot be read ({error!r})'
            ) from error
    # The package gives the root itself as parent.
    return [None, *map(int, parents[1:])], points


def used_positions(positions: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Replaces positions that are zero in all frames by the offset.

    Some writers give all joints position channels and leave them empty.
    """
    empty = np.logical_not(np.any(positions, axis=(0, 2)))
    empty &= np.arange(len(empty)) > 0  # the root may stay at zero
    return np.where(np.expand_dims(empty, 1), offsets, positions)


def layout_table(names: Sequence[str],
                 parents: Sequence[Optional[int]]) -> Dict[str, Any]:
    """Derives a joint layout from a hierarchy.

    Limbs are the branches below the joints in the middle: where names have
    sides (``LeftArm``, ``arm.R``), the branches of joints with a side, else
    those below the first joint with several children. A limb is a body; its
    parts are the chain up to the joint where it branches, and the rest; a
    chain is halved. The joints in the middle are the torso: the spine, from
    which limbs branch, and the head.

    Args:
        names (Sequence[str]): The names of the joints, V.
        parents (Sequence[int or None]): The parent of each, before it; None
            for the root.

    Returns:
        dict: Arguments of :class:`psp_plugin.skeletons.SkeletonPyramid`;
        without ``mirror`` where left and right joints do not fit, and without
        ``center``, ``zaxis`` and ``xaxis`` where shoulders or the spine are
        not recognized by name and place.
    """
    sides = [side_of(name) for name in names]
    tops = limb_tops(sides, parents)
    limbs = [descendants(top, parents) for top in tops]
    middle = [joint for joint in range(len(names))
              if not any(joint in limb for limb in limbs)]
    spine = sorted({above for top in tops for above in path(top, parents)}
                   - set(tops)) or middle
    head = [joint for joint in middle if joint not in spine]
    groups = [[spine, head] if head else [spine]]
    groups += [halves(limb, parents) for limb in limbs]
    parts = [part for group in groups for part in group]
    count = iter(range(len(parts)))
    table: Dict[str, Any] = dict(
        name='bvh', parts=parts,
        bodies=[[next(count) for _ in group] for group in groups],
        body_names=['torso', *(names[top] for top in tops)],
        part_names=[names[part[0]] for part in parts],
        joint_names=list(names),
        bones=[(joint, parent) for joint, parent in enumerate(parents)
               if parent is not None])
    inner = sorted({*spine, *tops})
    if len(inner) < len(names):
        table['inner'] = inner
    mirror = mirror_pairs(names, sides)
    if mirror is not None:
        table['mirror'] = mirror
        table.update(axes(names, parents, spine, mirror))
    return table


def side_of(name: str) -> Optional[str]:
    """Returns ``'left'`` or ``'right'`` if the name has that side."""
    found = _SIDES & set(name_words(name))
    return found.pop() if len(found) == 1 else None


def path(joint: int, parents: Sequence[Optional[int]]) -> List[int]:
    """Returns a joint and those above it, up to the root."""
    found = [joint]
    while True:
        parent = parents[found[-1]]
        if parent is None:
            return found
        found.append(parent)


def descendants(top: int, parents: Sequence[Optional[int]]) -> List[int]:
    """Returns a joint and those below it, in order."""
    return [joint for joint in range(top, len(parents))
            if top in path(joint, parents)]


def children(joint: int, parents: Sequence[Optional[int]]) -> List[int]:
    """Returns the joints whose parent is a joint."""
    return [child for child, parent in enumerate(parents) if parent == joint]


def limb_tops(sides: Sequence[Optional[str]],
              parents: Sequence[Optional[int]]) -> List[int]:
    """Returns the first joint of every limb.

    A joint with a side that has none below it, such as an eye, is no limb.
    """
    if any(sides):
        return [joint for joint, side in enumerate(sides)
                if side and children(joint, parents)
                and not any(sides[above]
                            for above in path(joint, parents)[1:])]
    joint = 0
    while len(children(joint, parents)) == 1:
        joint, = children(joint, parents)
    return children(joint, parents)


def halves(limb: List[int],
           parents: Sequence[Optional[int]]) -> List[List[int]]:
    """Splits a limb into its chain up to a branch, and the rest."""
    chain = [limb[0]]
    while len(children(chain[-1], parents)) == 1:
        chain += children(chain[-1], parents)
    if len(chain) == len(limb):
        middle = (len(limb) + 1) // 2
        parts = [limb[:middle], limb[middle:]]
    else:
        upper = chain[:-1]
        parts = [upper, [joint for joint in limb if joint not in upper]]
    return [part for part in parts if part]


def mirror_pairs(names: Sequence[str], sides: Sequence[Optional[str]]
                 ) -> Optional[List[Tuple[int, int]]]:
    """Returns the pairs of a left and a right joint by name.

    Returns:
        list[tuple[int, int]]: None if a joint has no counterpart, or several.
    """
    places: Dict[str, Dict[Any, int]] = {'left': {}, 'right': {}}
    for joint, (name, side) in enumerate(zip(names, sides)):
        if side:
            key = tuple(word for word in name_words(name) if word != side)
            if places[side].setdefault(key, joint) != joint:
                return None
    if not places['left'] or set(places['left']) != set(places['right']):
        return None
    return [(joint, places['right'][key])
            for key, joint in places['left'].items()]


def axes(names: Sequence[str], parents: Sequence[Optional[int]],
         spine: Sequence[int], mirror: Sequence[Tuple[int, int]]
         ) -> Dict[str, Any]:
    """Returns ``center``, ``zaxis`` and ``xaxis``, if they are recognized.

    The shoulders are found by name; up is from the root to the joint of the
    spine from which the arms branch.
    """
    for words in _SHOULDERS:
        for left, right in mirror:
            if words == shared_words(names[left], names):
                above = [joint for joint in path(left, parents)
                         if joint in spine]
                if above and above[0] != 0:
                    return dict(center=0, zaxis=(0, above[0]),
                                xaxis=(right, left))
    return {}


def shared_words(name: str, names: Sequence[str]) -> Any:
    """Returns the words of a name without side and without a prefix.

    A prefix is a word that all names have, such as ``mixamorig``.
    """
    prefix = frozenset.intersection(*map(same_name, names))
    return same_name(name) - _SIDES - prefix


FORMATS = (Format('BVH', ('.bvh', ), is_bvh, read_bvh), )
