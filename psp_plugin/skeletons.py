"""Joint -> part -> body tables of the skeleton pyramid (paper, section 3.2).

Parts list joints, bodies list parts; both are 0-based. The NTU table is that
of the authors' released implementation; the NW-UCLA one is made alike for
Kinect v1 joints, as the paper gives only its sizes (10 parts, 5 bodies).
"""
from dataclasses import dataclass
from typing import Dict, Sequence, Tuple

LEVELS = ('body', 'part', 'joint')  # coarse to fine
Group = Tuple[int, ...]


@dataclass(frozen=True)
class SkeletonPyramid:
    """Which joints make which part, and which parts make which body.

    Args:
        name: Name of the joint layout.
        num_joints: Number of joints V.
        parts: P groups of joint indices.
        bodies: B groups of part indices.
        part_names: One name per part.
        body_names: One name per body.

    Raises:
        ValueError: If a group is empty, if an index is out of range, or if a
            joint (part) is in no part (body) or in more than one.
    """
    name: str
    num_joints: int
    parts: Tuple[Group, ...]
    bodies: Tuple[Group, ...]
    part_names: Tuple[str, ...] = ()
    body_names: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_partition(self.name, 'joint', self.num_joints, 'part',
                         self.parts)
        _check_partition(self.name, 'part', len(self.parts), 'body',
                         self.bodies)

    @property
    def joint_to_part(self) -> Group:
        """The part of every joint, V integers: phi of equation 9."""
        return _owners(self.num_joints, self.parts)

    @property
    def part_to_body(self) -> Group:
        """The body of every part, P integers: phi of equation 7."""
        return _owners(len(self.parts), self.bodies)

    @property
    def joint_to_body(self) -> Group:
        """The body of every joint, V integers: phi of equation 9."""
        part_to_body = self.part_to_body
        return tuple(part_to_body[part] for part in self.joint_to_part)

    @property
    def body_joints(self) -> Tuple[Group, ...]:
        """The joints of every body, B groups."""
        return tuple(
            tuple(joint for part in body for joint in self.parts[part])
            for body in self.bodies)


def _check_partition(layout: str, item: str, count: int, group: str,
                     groups: Sequence[Group]) -> None:
    """Raises ValueError unless every item is in exactly one group."""
    owner: Dict[int, int] = {}
    for index, members in enumerate(groups):
        if not members:
            raise ValueError(f'layout {layout!r}: {group} {index} is empty')
        for member in members:
            if not 0 <= member < count:
                raise ValueError(
                    f'layout {layout!r}: {group} {index} names {item} '
                    f'{member}, but {item}s run from 0 to {count - 1}')
            if member in owner:
                raise ValueError(
                    f'layout {layout!r}: {item} {member} is in {group} '
                    f'{owner[member]} and again in {group} {index}')
            owner[member] = index
    missing = [member for member in range(count) if member not in owner]
    if missing:
        raise ValueError(f'layout {layout!r}: {item}(s) '
                         f'{", ".join(map(str, missing))} are in no {group}')


def _owners(count: int, groups: Sequence[Group]) -> Group:
    owner = {member: i for i, members in enumerate(groups)
             for member in members}
    return tuple(owner[member] for member in range(count))


_PART_NAMES = ('spine', 'head', 'left arm', 'left hand', 'right arm',
               'right hand', 'left leg', 'left foot', 'right leg',
               'right foot')
_BODIES = ((2, 3), (4, 5), (6, 7), (8, 9), (0, 1))
_BODY_NAMES = ('left arm', 'right arm', 'left leg', 'right leg', 'torso')

LAYOUTS: Dict[str, SkeletonPyramid] = {
    pyramid.name: pyramid
    for pyramid in (
        SkeletonPyramid(
            name='nturgb+d',
            num_joints=25,
            parts=((0, 1, 20), (2, 3), (4, 5, 6), (7, 21, 22), (8, 9, 10),
                   (11, 23, 24), (12, 13), (14, 15), (16, 17), (18, 19)),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES),
        SkeletonPyramid(
            name='nwucla',
            num_joints=20,
            parts=((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11),
                   (12, 13), (14, 15), (16, 17), (18, 19)),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES),
    )
}


def get_pyramid(layout: str) -> SkeletonPyramid:
    """Returns the pyramid of a named layout.

    Args:
        layout: ``'nturgb+d'`` (25 joints) or ``'nwucla'`` (20 joints).

    Raises:
        ValueError: If the layout is unknown.
    """
    if layout not in LAYOUTS:
        raise ValueError(f'unknown skeleton layout {layout!r}; known are '
                         f'{", ".join(map(repr, sorted(LAYOUTS)))}')
    return LAYOUTS[layout]
