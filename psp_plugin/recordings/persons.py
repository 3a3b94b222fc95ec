"""Follows the persons of a recording through time, and ranks them.

Shape legend: M person, T frame, V joint, C coordinate, K pose.
"""
from dataclasses import dataclass
from functools import cached_property
from typing import Dict, Hashable, List, Optional, Sequence, Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from .recording import Detection, InvalidRecording

# Two poses can be the same person if their joints are, on average, at most
# this many body sizes apart in consecutive frames, plus a part for each
# further frame in between, up to a limit.
REACH, REACH_PER_FRAME, REACH_LIMIT = 0.5, 0.05, 1.
# Poses are compared with persons who were lost at most this many frames ago;
# longer gaps are closed when all bodies are known.
RECENT = 30
# Bodies that are compared with each other, so that a file of noise does not
# exhaust the memory.
MOST_BODIES = 300
# The cost of a pair that is out of reach, above the sum of all others.
OUT_OF_REACH = 1e6
# Spread of the joints over time, in body sizes, at which motion counts about
# half (0.55 with STILL): reading on a chair is about here, the jitter of an
# object below.
HALF_MOTION = 0.02
# The share that a body without any motion keeps.
STILL = 0.1


@dataclass
class Track:
    """The poses of one person.

    Args:
        frames: The frames with a pose, ascending, K integers.
        points: Coordinates (K, V, C); joints that were not found are zero.
        scores: Scores (K, V), or None.
    """
    frames: List[int]
    points: np.ndarray
    scores: Optional[np.ndarray] = None

    @cached_property
    def size(self) -> float:
        """The median size of the poses."""
        return float(np.median(sizes_of(self.points)))


def follow(frames: Sequence[Sequence[Detection]]
           ) -> Tuple[List[Track], List[str]]:
    """Tells the persons of a clip apart.

    Poses with the same number are one person, unless the number jumps to the
    place of another one. Without numbers, poses of consecutive frames are
    paired such that the sum of their distances is minimal (the Hungarian
    method of SciPy's ``linear_sum_assignment``).

    Args:
        frames (Sequence[Sequence[Detection]]): The persons of every frame.

    Returns:
        tuple: The tracks, by first appearance; and notes for the user.

    Raises:
        InvalidRecording: If there is no person, or if persons differ in
            their number of joints or coordinates, or if only some have
            scores.
    """
    found = [person for persons in frames for person in persons]
    if not frames:
        raise InvalidRecording('has no frames')
    if not found:
        raise InvalidRecording('has no person in any frame')
    check_alike(found)
    notes: List[str] = []
    numbers = [[person.number for person in persons] for persons in frames]
    if all(None not in listed and len(set(listed)) == len(listed)
           for listed in numbers):
        return by_number(frames)
    if any(number is not None for listed in numbers for number in listed):
        notes.append('has persons without a number, or two of the same '
                     'number in a frame: numbers are ignored, persons are '
                     'followed by their position')
    return [as_track(frames, where) for where in by_distance(frames)], notes


def check_alike(found: Sequence[Detection]) -> None:
    """Raises InvalidRecording unless all poses have the same layout."""
    shapes = sorted({person.points.shape for person in found})
    if len(shapes) > 1:
        (first, *_), (second, *_) = shapes[:2]
        raise InvalidRecording(
            f'has persons of {first} and of {second} joints'
            if first != second else 'has persons of '
            f'{shapes[0][-1]} and of {shapes[1][-1]} coordinates')
    scored = sum(person.scores is not None for person in found)
    if 0 < scored < len(found):
        raise InvalidRecording(
            f'has scores for {scored} of {len(found)} poses')


# The poses of one person: (frame, place in the frame) of each.
Places = List[Tuple[int, int]]


def by_number(frames: Sequence[Sequence[Detection]]
              ) -> Tuple[List[Track], List[str]]:
    """Makes the tracks of the numbers that the file gives; and notes."""
    groups: Dict[Hashable, Places] = {}
    for frame, persons in enumerate(frames):
        for place, person in enumerate(persons):
            groups.setdefault(person.number, []).append((frame, place))
    tracks = {number: as_track(frames, where)
              for number, where in groups.items()}
    if any(jumps(track) for track in tracks.values()):
        made = Untangled(frames, {number: track.size
                                  for number, track in tracks.items()})
        return ([as_track(frames, where) for where in made.groups],
                jump_notes(made.taken, made.kept))
    return list(tracks.values()), []


def jumps(track: Track) -> bool:
    """Whether a track moves further than a person from pose to pose."""
    places, size = track.points, np.array(track.size)
    return bool(elsewhere(places[:-1], places[1:], size, size,
                          np.diff(track.frames)).any())


def elsewhere(a: np.ndarray, b: np.ndarray, size_a: np.ndarray,
              size_b: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Whether poses with common joints are out of reach, see
    :func:`pair_costs`."""
    common = ((a != 0).any(-1) & (b != 0).any(-1)).any(-1)
    far = pair_costs(a, b, size_a, size_b, steps) >= OUT_OF_REACH
    jumped: np.ndarray = common & far
    return jumped


class Untangled:
    """Groups poses whose numbers jump, by number and place.

    A number that jumps to where a person was who is not seen there any more
    is from then on the number of that person; otherwise it keeps its own.

    Args:
        frames (Sequence[Sequence[Detection]]): The persons of every frame.
        sizes (dict): The size of the person of each number.

    Attributes:
        groups: The poses of each person.
        taken: Frames in which a number becomes that of another person.
        kept: Frames in which a person jumps with its number.
    """

    def __init__(self, frames: Sequence[Sequence[Detection]],
                 sizes: Dict[Hashable, float]) -> None:
        self.sizes = sizes
        self.groups: List[Places] = []
        self.taken: List[int] = []
        self.kept: List[int] = []
        self.owner: Dict[Hashable, int] = {}  # the group of each number
        self.last: List[Detection] = []  # the last pose of each group
        for frame, persons in enumerate(frames):
            self.add(frame, persons)

    def add(self, frame: int, persons: Sequence[Detection]) -> None:
        """Adds the poses of a frame."""
        now = self.continued(frame, persons)
        if any(person.number in self.owner and place not in now
               for place, person in enumerate(persons)):
            changed = self.changed(frame, persons, now)
            self.taken += [frame] * len(changed)
            now.update(changed)
        for place, person in enumerate(persons):
            if place not in now:
                now[place] = self.own_group(frame, person, now)
        self.owner = {number: group for number, group in self.owner.items()
                      if group not in now.values()}
        for place, group in now.items():
            self.groups[group].append((frame, place))
            self.last[group] = persons[place]
            self.owner[persons[place].number] = group

    def continued(self, frame: int,
                  persons: Sequence[Detection]) -> Dict[int, int]:
        """Returns place -> group of the numbers that do not jump."""
        known = [place for place, person in enumerate(persons)
                 if person.number in self.owner]
        if not known:
            return {}
        groups = [self.owner[persons[place].number] for place in known]
        a, b, size_a, size_b, steps = self.pairs(
            frame, groups, [persons[place] for place in known])
        far = elsewhere(a, b, size_a, size_b, steps)
        return {place: group for place, group, jumped in zip(
            known, groups, far) if not jumped}

    def changed(self, frame: int, persons: Sequence[Detection],
                now: Dict[int, int]) -> Dict[int, int]:
        """Returns place -> group of numbers at the place of another person."""
        moved = [place for place in range(len(persons)) if place not in now]
        lost = [group for group, where in enumerate(self.groups)
                if group not in now.values()
                and frame - where[-1][0] <= RECENT]
        if not lost:
            return {}
        a, b, size_a, size_b, steps = self.pairs(
            frame, lost, [persons[place] for place in moved])
        return {moved[j]: lost[i] for i, j in assign(costs_of(
            a, b, size_a, size_b, steps[:, None]))}

    def own_group(self, frame: int, person: Detection,
                  now: Dict[int, int]) -> int:
        """Returns the group of a number, or a new one if it is taken."""
        own = self.owner.get(person.number)
        if own is not None and own not in now.values():
            self.kept.append(frame)
            return own
        self.groups.append([])
        self.last.append(person)
        return len(self.groups) - 1

    def pairs(self, frame: int, groups: Sequence[int],
              persons: Sequence[Detection]) -> Tuple[np.ndarray, ...]:
        """Returns the arguments of :func:`costs_of`, steps being (A,)."""
        last = [self.last[group] for group in groups]
        return (np.stack([each.points for each in last]),
                np.stack([each.points for each in persons]),
                np.array([self.sizes[each.number] for each in last]),
                np.array([self.sizes[each.number] for each in persons]),
                np.array([frame - self.groups[group][-1][0]
                          for group in groups]))


def jump_notes(taken: Sequence[int], kept: Sequence[int]) -> List[str]:
    """Notes the frames in which numbers jump."""
    notes = []
    if taken:
        notes.append(
            'has numbers that jump to the place of another person, first in '
            f'frame {taken[0]}: there, persons are followed by their position')
    if kept:
        notes.append(
            'has persons who jump further than a person moves, first in frame '
            f'{kept[0]}, and stay one person by their number')
    return notes


def by_distance(frames: Sequence[Sequence[Detection]]) -> List[Places]:
    """Groups poses by their distance from frame to frame."""
    groups: List[Places] = []
    # The last pose of every group, its size and its frame.
    last = np.zeros((0, *first_of(frames).points.shape))
    sizes, seen = np.zeros(0), np.zeros(0)
    for frame, persons in enumerate(frames):
        if not persons:
            continue
        poses = np.stack([person.points for person in persons])
        own = sizes_of(poses)
        near = np.flatnonzero(frame - seen <= RECENT)
        owner = {j: int(near[i]) for i, j in assign(costs_of(
            last[near], poses, sizes[near], own,
            (frame - seen[near])[:, None]))}
        new = [j for j in range(len(poses)) if j not in owner]
        for i, j in enumerate(new, len(groups)):
            owner[j] = i
            groups.append([])
        last = np.concatenate([last, poses[new]])
        sizes = np.concatenate([sizes, own[new]])
        seen = np.concatenate([seen, np.zeros(len(new))])
        for j, i in owner.items():
            groups[i].append((frame, j))
            last[i], sizes[i], seen[i] = poses[j], own[j], frame
    return groups


def first_of(frames: Sequence[Sequence[Detection]]) -> Detection:
    """Returns the first pose of a clip."""
    return next(person for persons in frames for person in persons)


def sizes_of(points: np.ndarray) -> np.ndarray:
    """Returns the sizes (K,) of poses (K, V, C).

    The size is the diagonal of the box around the joints found.
    """
    seen = (points != 0).any(-1, keepdims=True)
    low = np.where(seen, points, np.inf).min(1)
    high = np.where(seen, points, -np.inf).max(1)
    sizes: np.ndarray = np.sqrt(((high - low)**2).sum(-1))
    return sizes


def costs_of(a: np.ndarray, b: np.ndarray, size_a: np.ndarray,
             size_b: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Returns the costs (A, B) of pairing earlier with later poses.

    Args:
        a (np.ndarray): The earlier poses (A, V, C).
        b (np.ndarray): The later poses (B, V, C).
        size_a (np.ndarray): Sizes (A,).
        size_b (np.ndarray): Sizes (B,).
        steps (np.ndarray): Frames from the earlier to the later pose, (A, B)
            or (A, 1); not positive if they cannot be paired.
    """
    return pair_costs(a[:, None], b, size_a[:, None], size_b, steps)


def pair_costs(a: np.ndarray, b: np.ndarray, size_a: np.ndarray,
               size_b: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Returns the costs of pairs of poses (..., V, C), broadcast.

    The cost is the mean distance of their joints in sizes of the smaller one;
    joints that either pose lacks do not count. Poses that are further apart
    than a person moves in that many frames cost ``OUT_OF_REACH``.
    """
    seen = (a != 0).any(-1) & (b != 0).any(-1)  # ..., V
    distances = np.sqrt(((a - b)**2).sum(-1))
    count = seen.sum(-1)
    mean = (distances * seen).sum(-1) / np.maximum(count, 1)
    size = np.minimum(size_a, size_b)
    reach = np.minimum(REACH + REACH_PER_FRAME * (steps - 1), REACH_LIMIT)
    near = (count > 0) & (mean <= reach * size) & (steps > 0)
    relative = mean / np.where(size > 0, size, 1)
    costs: np.ndarray = np.where(near, relative, OUT_OF_REACH)
    return costs


def assign(costs: np.ndarray) -> List[Tuple[int, int]]:
    """Pairs rows and columns within reach at minimal total cost."""
    rows, columns = linear_sum_assignment(costs)
    return [(int(i), int(j)) for i, j in zip(rows, columns)
            if costs[i, j] < OUT_OF_REACH]


def as_track(frames: Sequence[Sequence[Detection]], where: Places) -> Track:
    """Stacks the poses of one person."""
    persons = [frames[frame][place] for frame, place in where]
    scores = None
    if persons[0].scores is not None:
        scores = np.stack([p.scores for p in persons])  # type: ignore[misc]
    return Track([frame for frame, _ in where],
                 np.stack([p.points for p in persons]), scores)


def split_array(points: np.ndarray,
                scores: Optional[np.ndarray]) -> List[Track]:
    """Returns the persons of an array (M, T, V, C), except empty ones."""
    tracks = []
    for person, own in enumerate(points):
        seen = np.flatnonzero(own.any((1, 2)))
        if seen.size:
            tracks.append(Track(
                seen.tolist(), own[seen],
                None if scores is None else scores[person, seen]))
    return tracks


def join(tracks: Sequence[Track]) -> Tuple[List[Track], List[str]]:
    """Joins tracks that follow on each other in time and place.

    A sensor that loses a person gives it a new number when it is found
    again. The end of a track is paired with the start of at most one later
    track, such that as many as possible are joined and the sum of their
    distances is minimal.

    Returns:
        tuple: The persons, by first appearance; and notes for the user.
    """
    if len(tracks) == 1:
        return list(tracks), []
    if len(tracks) > MOST_BODIES:
        longest = sorted(tracks, key=lambda track: -len(track.frames))
        persons, notes = join(sorted(longest[:MOST_BODIES],
                                     key=lambda track: track.frames[0]))
        return persons, [f'has {len(tracks)} bodies, of which the '
                         f'{MOST_BODIES} seen longest are used', *notes]
    sizes = np.array([track.size for track in tracks])
    starts, ends = (np.array([track.frames[k] for track in tracks])
                    for k in (0, -1))
    after = dict(assign(costs_of(
        np.stack([track.points[-1] for track in tracks]),
        np.stack([track.points[0] for track in tracks]), sizes, sizes,
        starts - ends[:, None])))
    persons = []
    for start in sorted(set(range(len(tracks))) - set(after.values())):
        chain = [start]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        persons.append(merge([tracks[i] for i in chain]))
    if not after:
        return persons, []
    persons_text = 'one' if len(persons) == 1 else str(len(persons))
    return persons, [
        f'has {len(tracks)} bodies, of which those that follow on each other '
        f'in time and place were joined: {persons_text} left']


def in_turn(tracks: Sequence[Track]) -> bool:
    """Whether no frame has two of the bodies."""
    frames = [frame for track in tracks for frame in track.frames]
    return len(set(frames)) == len(frames)


def merge(tracks: Sequence[Track]) -> Track:
    """Concatenates tracks of one person."""
    scores = None
    if tracks[0].scores is not None:
        scores = np.concatenate(
            [track.scores for track in tracks])
    return Track(sum((track.frames for track in tracks), []),
                 np.concatenate([track.points for track in tracks]), scores)


def rank(tracks: Sequence[Track], num_frames: int) -> List[int]:
    """Sorts persons by presence, motion and score, the main one first.

    The rank is the product of the share of frames with the person; of
    ``(motion + STILL * HALF_MOTION) / (motion + HALF_MOTION)``, where motion
    is the spread of the joints over time in body sizes; and of the mean score
    of its joints, relative to the largest. It is rounded to 0.1, and the
    order of the file decides ties. So a motionless object ranks below an
    actor who was lost in some frames, and a passer-by of a few frames below
    someone who sits.

    Args:
        tracks (Sequence[Track]): The persons.
        num_frames (int): Frames of the clip.

    Returns:
        list[int]: Indices of the persons.
    """
    scores = [1. if track.scores is None else float(track.scores.mean())
              for track in tracks]
    largest = max(scores, default=0.)
    worth = []
    for track, score in zip(tracks, scores):
        moved = motion(track)
        worth.append(round(
            len(track.frames) / num_frames
            * (moved + STILL * HALF_MOTION) / (moved + HALF_MOTION)
            * (score / largest if largest > 0 else 1.), 1))
    return sorted(range(len(tracks)), key=lambda i: -worth[i])


def motion(track: Track) -> float:
    """Returns the spread of the joints over time, in body sizes.

    The root of the mean squared distance of a joint from its mean position,
    over the frames in which it was found.
    """
    seen = track.points.any(-1)  # K, V
    count = seen.sum(0)  # V
    size = track.size
    if not size or not count.any():
        return 0.
    mean = track.points.sum(0) / np.maximum(count, 1)[:, None]
    squares = ((track.points - mean)**2).sum(-1)[seen]
    return float(np.sqrt(squares.mean()) / size)


def as_array(tracks: Sequence[Track], num_frames: int
             ) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Returns points (M, T, V, C) and scores (M, T, V) or None."""
    shape = (len(tracks), num_frames, *tracks[0].points.shape[1:])
    points = np.zeros(shape, tracks[0].points.dtype)
    scores = None if tracks[0].scores is None else np.zeros(
        shape[:-1], tracks[0].scores.dtype)
    for person, track in enumerate(tracks):
        points[person, track.frames] = track.points
        if scores is not None:
            scores[person, track.frames] = track.scores
    return points, scores
