"""Joint -> part -> body tables of the skeleton pyramid (paper, section 3.2).

Parts list joints, bodies list parts; both are 0-based.
"""
import operator
from dataclasses import dataclass, fields
from typing import Any, Dict, Optional, Sequence, Tuple, Union

LEVELS = ('body', 'part', 'joint')  # coarse to fine
Group = Tuple[int, ...]
Point = Union[int, Group]  # a joint, or joints whose mean is meant


@dataclass(frozen=True)
class SkeletonPyramid:
    """The joints of every part, and the parts of every body.

    Args:
        name (str): Name of the joint layout.
        num_joints (int): Number of joints V.
        parts (Sequence[Sequence[int]]): P groups of joint indices.
        bodies (Sequence[Sequence[int]]): B groups of part indices.
        part_names (Sequence[str]): One name per part. Defaults to none.
        body_names (Sequence[str]): One name per body. Defaults to none.
        bones (Sequence[tuple[int, int]]): Pairs of joints, connected by lines
            in pictures. Defaults to none.
        mirror (Sequence[tuple[int, int]], optional): Pairs of a left and a
            right joint, which are swapped in a mirror image; the other joints
            are in the middle. Defaults to None, unknown.
        inner (Sequence[int]): Joints of the trunk, the root of HA-CM's joint
            hierarchy, which do not become tokens. Defaults to none.
        joint_names (Sequence[str]): One name per joint. Defaults to none.
        center (int or Sequence[int], optional): The joint to centre 3D clips
            on, or several whose mean is the centre, such as both hips.
            Defaults to None, unknown.
        zaxis (Sequence[int or Sequence[int]], optional): Two joints; the
            direction from the first to the second is up along the spine. Each
            may be several joints, whose mean is meant. Defaults to None.
        xaxis (Sequence[int or Sequence[int]], optional): The right and the
            left shoulder, in the same form. Defaults to None.

    Raises:
        ValueError: If there is no group or an empty one, if an index is not
            an integer or out of range, if a joint (part) is in no part (body)
            or in more than one, if a joint is mirrored twice, if the inner
            joints are not a proper subset of the joints, if the number of
            names differs from that of joints, parts or bodies, or if a joint
            of ``center``, ``zaxis`` or ``xaxis`` does not exist.
    """
    name: str
    num_joints: int
    parts: Tuple[Group, ...]
    bodies: Tuple[Group, ...]
    part_names: Tuple[str, ...] = ()
    body_names: Tuple[str, ...] = ()
    bones: Tuple[Group, ...] = ()
    mirror: Optional[Tuple[Group, ...]] = None
    inner: Group = ()
    joint_names: Tuple[str, ...] = ()
    center: Optional[Point] = None
    zaxis: Optional[Tuple[Point, ...]] = None
    xaxis: Optional[Tuple[Point, ...]] = None

    def __post_init__(self) -> None:
        tables = ('parts', 'bodies', 'bones')
        for table in tables + (() if self.mirror is None else ('mirror', )):
            groups = _as_groups(self.name, table, getattr(self, table))
            object.__setattr__(self, table, groups)
        for names, table, count in (
                ('part_names', 'parts', len(self.parts)),
                ('body_names', 'bodies', len(self.bodies)),
                ('joint_names', 'joints', self.num_joints)):
            object.__setattr__(self, names, tuple(getattr(self, names)))
            if len(getattr(self, names)) not in (0, count):
                raise ValueError(
                    f'layout {self.name!r}: {len(getattr(self, names))} '
                    f'{names} do not fit {count} {table}: '
                    'give one name each')
        _check_partition(self.name, 'joint', self.num_joints, 'part',
                         self.parts)
        _check_partition(self.name, 'part', len(self.parts), 'body',
                         self.bodies)
        for what, pairs in (('bone', self.bones),
                            ('mirror', self.mirror or ())):
            for pair in pairs:
                if len(pair) != 2 or not all(
                        0 <= joint < self.num_joints for joint in pair):
                    raise ValueError(
                        f'layout {self.name!r}: {what} {pair} is not a pair '
                        f'of joints from 0 to {self.num_joints - 1}')
        mirrored = sum(self.mirror or (), ())
        twice = sorted({j for j in mirrored if mirrored.count(j) > 1})
        if twice:
            raise ValueError(f'layout {self.name!r}: mirror names joint '
                             f'{twice[0]} more than once')
        inner, = _as_groups(self.name, 'inner', [self.inner])
        object.__setattr__(self, 'inner', inner)
        if not set(inner) < set(range(self.num_joints)) or (
                len(set(inner)) < len(inner)):
            raise ValueError(f'layout {self.name!r}: inner {inner} must name '
                             f'some, not all, of the joints from 0 to '
                             f'{self.num_joints - 1}, each once')

        self._check_axes()

    def _check_axes(self) -> None:
        """Raises ValueError unless the normalisation joints exist."""
        try:
            if self.center is not None:
                object.__setattr__(self, 'center', as_point(self.center))
            for name in ('zaxis', 'xaxis'):
                if getattr(self, name) is not None:
                    object.__setattr__(
                        self, name, as_axis(getattr(self, name), name))
            for name, points in self.axes.items():
                check_joints(name, points, self.num_joints)
        except ValueError as error:
            raise ValueError(f'layout {self.name!r}: {error}') from error

    @property
    def axes(self) -> Dict[str, Tuple[Point, ...]]:
        """The joints of ``center``, ``zaxis`` and ``xaxis`` that are known."""
        center = None if self.center is None else (self.center, )
        axes = dict(center=center, zaxis=self.zaxis, xaxis=self.xaxis)
        return {name: points for name, points in axes.items()
                if points is not None}

    def name_of(self, point: Point) -> str:
        """The number of a joint, followed by its name if it has one."""
        return ' and '.join(
            f'{joint} ({self.joint_names[joint]})' if self.joint_names
            else f'{joint}' for joint in joints_of(point))

    @property
    def outer(self) -> Group:
        """The joints that are not inner ones, in order."""
        return tuple(joint for joint in range(self.num_joints)
                     if joint not in self.inner)

    @property
    def lines(self) -> Tuple[Group, ...]:
        """The bones, or without bones a chain through every part."""
        return self.bones or tuple(
            bone for part in self.parts for bone in zip(part, part[1:]))

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
    def mirrored_joints(self) -> Group:
        """The joint that replaces every joint in a mirror image, V integers.

        Raises:
            ValueError: If the layout has no ``mirror``.
        """
        if self.mirror is None:
            raise ValueError(
                f'layout {self.name!r} has no mirror: add the pairs of left '
                'and right joints to it, mirror=[(left, right)]')
        order = list(range(self.num_joints))
        for left, right in self.mirror:
            order[left], order[right] = right, left
        return tuple(order)

    @property
    def body_joints(self) -> Tuple[Group, ...]:
        """The joints of every body, B groups."""
        return tuple(
            tuple(joint for part in body for joint in self.parts[part])
            for body in self.bodies)


def as_point(value: Any) -> Point:
    """Converts a joint, or several joints whose mean is meant.

    Raises:
        ValueError: If it is neither an integer nor some different integers.
    """
    joints: Group
    try:
        joints = tuple(map(operator.index, value))
    except TypeError:
        try:
            return operator.index(value)
        except TypeError:
            joints = ()
    if not joints or len(set(joints)) < len(joints):
        raise ValueError(f'{value!r} is neither a joint nor a list of '
                         'different joints, whose mean is meant')
    return joints


def as_axis(value: Any, name: str) -> Tuple[Point, Point]:
    """Converts the two ends of an axis, see :func:`as_point`.

    Raises:
        ValueError: If they are not two different ones; ``name`` is the axis.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or (
            len(value) != 2):
        raise ValueError(f'{name} must be two joints, not {value!r}')
    first, second = as_point(value[0]), as_point(value[1])
    if first == second:
        raise ValueError(f'{name} must be two different joints, not {value!r}')
    return first, second


def joints_of(point: Point) -> Group:
    """Returns the joints of a point."""
    return (point, ) if isinstance(point, int) else point


def check_joints(name: str, points: Sequence[Point], num_joints: int) -> None:
    """Raises ValueError if a joint of ``name`` does not exist."""
    for joint in sum(map(joints_of, points), ()):
        if not 0 <= joint < num_joints:
            raise ValueError(f'{name} uses joint {joint}, but joints run from '
                             f'0 to {num_joints - 1}')


def _as_groups(layout: str, table: str,
               groups: Sequence[Any]) -> Tuple[Group, ...]:
    """Converts a table to tuples of integers."""
    try:
        return tuple(tuple(map(operator.index, group)) for group in groups)
    except TypeError as error:
        raise ValueError(f'layout {layout!r}: {table} must be lists of lists '
                         f'of integers, not {groups!r}') from error


def _check_partition(layout: str, item: str, count: int, group: str,
                     groups: Sequence[Group]) -> None:
    """Raises ValueError unless every item is in exactly one group."""
    if not groups:
        raise ValueError(f'layout {layout!r} has no {group}')
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


LAYOUTS: Dict[str, SkeletonPyramid] = {}


def register_layout(pyramid: SkeletonPyramid) -> None:
    """Registers a layout, so that configs can refer to it by name.

    Import the module that calls it by ``custom_imports`` of the config.

    Args:
        pyramid (SkeletonPyramid): The layout.

    Raises:
        ValueError: If another layout has the same name.
    """
    if LAYOUTS.setdefault(pyramid.name, pyramid) != pyramid:
        raise ValueError(f'another layout is already named {pyramid.name!r}: '
                         'choose a different name')


def get_pyramid(layout: Union[str, Dict[str, Any], SkeletonPyramid]
                ) -> SkeletonPyramid:
    """Returns the pyramid of a layout.

    Args:
        layout (str or dict or SkeletonPyramid): A registered name
            (``'nturgb+d'``, ``'nwucla'``, ``'coco'``, ``'openpose'`` or one
            registered by :func:`register_layout`), or a custom table:
            ``dict(parts=[[...]], bodies=[[...]])`` with any other argument
            of :class:`SkeletonPyramid`. Its ``num_joints`` defaults to the
            largest joint of the parts + 1.

    Raises:
        ValueError: If the layout is unknown, or if the table is invalid.
    """
    if isinstance(layout, SkeletonPyramid):
        return layout
    if isinstance(layout, dict):
        return _from_table(layout)
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise ValueError(f'unknown skeleton layout {layout!r}; known are '
                         f'{", ".join(map(repr, sorted(LAYOUTS)))}, or give a '
                         'table, dict(parts=[[...]], bodies=[[...]])')
    return LAYOUTS[layout]


def _from_table(table: Dict[str, Any]) -> SkeletonPyramid:
    """Builds a pyramid from a dict of a config."""
    known = [field.name for field in fields(SkeletonPyramid)]
    unknown = sorted(set(table) - set(known))
    missing = [key for key in ('parts', 'bodies') if key not in table]
    if unknown or missing:
        raise ValueError(
            f'a layout table needs parts and bodies and accepts '
            f'{", ".join(known)}, but ' + ' and '.join(
                f'{name} is {state}' for names, state in (
                    (missing, 'missing'), (unknown, 'not one of them'))
                for name in names))
    name = table.get('name', 'custom')
    joints = sum(_as_groups(name, 'parts', table['parts']), ())
    return SkeletonPyramid(**dict(
        dict(name=name, num_joints=max(joints, default=-1) + 1), **table))
