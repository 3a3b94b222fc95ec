"""From a recording to an annotation: checks, persons, frame rate.

Shape legend: M person, T frame, V joint, C coordinate.
"""
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from psp_plugin.annotations import checked_img_shape

from .axes import arrange, check_order
from .options import ReadOptions
from .persons import (
    Track,
    as_array,
    follow,
    in_turn,
    join,
    rank,
    split_array,
)
from .recording import Detection, InvalidRecording, Recording
from .resampling import resample

# Clips are stored in float32, in which larger values are infinite.
LARGEST = np.finfo(np.float32).max


class ReadClip(NamedTuple):
    """One clip of a recording, as the toolbox takes it.

    Args:
        annotation: ``frame_dir``, ``keypoint`` (M, T, V, C) float32,
            ``total_frames`` and, where known, ``keypoint_score`` (M, T, V)
            float32 and ``img_shape``; without a label.
        label: The class, an integer or a name, if the file has it.
        layout: The joint layout, its name or table, if known.
        fps: Frames per second, if known.
        joint_names: Names of the joints, if the file has them and they are
            not those of a known layout.
        notes: What was joined, dropped or resampled: predicates about the
            clip.
        splits: The splits of its file that contain it.
    """
    annotation: Dict[str, Any]
    label: Union[int, str, None] = None
    layout: Union[str, Dict[str, Any], None] = None
    fps: Optional[float] = None
    joint_names: Optional[Tuple[str, ...]] = None
    notes: Tuple[str, ...] = ()
    splits: Tuple[str, ...] = ()


def in_order(clip: ReadClip, names: Tuple[str, ...],
             others: str = 'most clips') -> ReadClip:
    """Puts the joints of a clip into the order of their names.

    Args:
        clip (ReadClip): A clip whose joints have names.
        names (tuple[str]): The names in order.
        others (str): Whose order it is, for messages. Defaults to that of
            most clips.

    Raises:
        InvalidRecording: If it has other joints.
    """
    own = clip.joint_names
    if own is None or own == names:
        return clip
    if sorted(own) != sorted(names):
        odd = sorted(set(own) ^ set(names))[0]
        raise InvalidRecording(
            f'has joints of other names than {others}: {odd!r} is only in one '
            'of the two')
    order = [own.index(name) for name in names]
    annotation = dict(clip.annotation)
    annotation['keypoint'] = annotation['keypoint'][:, :, order]
    if 'keypoint_score' in annotation:
        annotation['keypoint_score'] = annotation['keypoint_score'][
            :, :, order]
    return clip._replace(
        annotation=annotation, joint_names=names,
        notes=(*clip.notes, f'has its joints in another order than {others}, '
                            'and they were put in that order'))


def make_clips(recording: Recording, name: str,
               options: ReadOptions) -> List[ReadClip]:
    """Makes the annotations of a recording, several if it has an axis N.

    Args:
        recording (Recording): What the file holds.
        name (str): Becomes ``frame_dir``; numbered for several clips.
        options (ReadOptions): How to read.

    Raises:
        InvalidRecording: If shapes or values are invalid.
    """
    if recording.problem:
        raise InvalidRecording(recording.problem)
    if recording.frames is not None:
        frames = recording.frames
        if options.scored:
            frames = [[scored_detection(person) for person in persons]
                      for persons in frames]
        tracks, notes = follow(checked_frames(frames))
        return [make_clip(recording, name, options, tracks,
                          len(recording.frames), notes)]
    arrays = arranged(recording, options)
    width = len(str(len(arrays) - 1))
    clips = []
    for i, points in enumerate(arrays):
        own = f'{name}_{i:0{width}}' if len(arrays) > 1 else name
        try:
            clips.append(make_clip(
                recording, own, options, tracks_of(points, recording, options),
                points.shape[1], []))
        except InvalidRecording as problem:
            if len(arrays) == 1:
                raise
            raise InvalidRecording(f'{problem}, in clip {i} (from 0) of '
                                   f'{len(arrays)}') from problem
    return clips


def make_clip(recording: Recording, name: str, options: ReadOptions,
              tracks: List[Track], num_frames: int,
              notes: List[str]) -> ReadClip:
    """Makes the annotation of a clip of these persons."""
    notes = [*recording.notes, *notes]
    if options.choose_persons:
        tracks, joined = join(tracks)
        tracks, dropped = best(tracks, num_frames, options.max_persons)
        notes += joined + dropped
        if len(tracks) > 1 and in_turn(tracks):
            notes.append(f'has {len(tracks)} bodies and never two in a frame: '
                         'they are taken as different persons, since they are '
                         'too far apart')
    else:
        tracks, dropped = first(tracks, options.max_persons)
        notes += dropped
    points, scores = as_array(tracks, num_frames)
    if scores is not None and points.shape[-1] == 3 and (
            recording.frames is not None or options.scored):
        # The toolbox's FormatGCNInput would make a fourth channel of them.
        scores = None
        notes.append('has scores of 3D joints, which only rank the persons')
    fps = recording.fps or options.recorded_fps
    if options.fps is not None:
        if fps is None:
            raise InvalidRecording(
                'does not have its frame rate, which --fps needs: name it '
                'with --recorded-fps')
        points, scores = resample(points, scores, fps, options.fps)
        if fps != options.fps:
            notes.append(f'was resampled from {fps:g} to {options.fps:g} '
                         f'frames per second: {num_frames} to '
                         f'{points.shape[1]} frames')
        fps = options.fps
    annotation = dict(
        frame_dir=name, keypoint=np.ascontiguousarray(points, np.float32),
        total_frames=points.shape[1])
    if scores is not None:
        annotation['keypoint_score'] = np.ascontiguousarray(scores, np.float32)
    if recording.img_shape is not None:
        try:
            annotation['img_shape'] = checked_img_shape(recording.img_shape)
        except ValueError as error:
            raise InvalidRecording(str(error)) from error
    return ReadClip(annotation, recording.label, recording.layout, fps,
                    recording.joint_names, tuple(notes), recording.splits)


def best(tracks: List[Track], num_frames: int, count: Optional[int]
         ) -> Tuple[List[Track], List[str]]:
    """Returns the persons in the order of their rank, at most ``count``."""
    ranked = [tracks[i] for i in rank(tracks, num_frames)]
    kept, dropped = ranked[:count], ranked[len(ranked[:count]):]
    if not dropped:
        return kept, []
    frames = ', '.join(str(len(track.frames)) for track in dropped[:5])
    more = ' and more' if len(dropped) > 5 else ''
    return kept, [
        f'has {len(ranked)} persons, of whom the first {len(kept)} by '
        f'presence, motion and score are kept; dropped were those seen in '
        f'{frames}{more} of {num_frames} frames']


def first(tracks: List[Track], count: Optional[int]
          ) -> Tuple[List[Track], List[str]]:
    """Returns the persons in the order of the file, at most ``count``."""
    if len(tracks) <= len(tracks[:count]):
        return tracks, []
    return tracks[:count], [
        f'has {len(tracks)} persons, of whom the first {count} in the order '
        'of the file are kept (--persons)']


def arranged(recording: Recording,
             options: ReadOptions) -> List[np.ndarray]:
    """Returns the clips (M, T, V, C) of an array."""
    points = recording.points
    assert points is not None  # as there are no frames
    if points.size == 0:
        check_order(points)  # raises with the name of the axis
    if not recording.order_known:
        if options.axes is not None and recording.scores is not None:
            raise InvalidRecording(
                'has scores in an array of their own, for which --axes is not '
                'defined: name the key points "keypoint", in the order MTVC')
        if options.axes is not None:
            return arrange(points, options.axes)
        check_order(points, (3, 4) if options.scored else (2, 3))
    if points.ndim not in (3, 4):
        raise InvalidRecording(
            f'has key points of shape {points.shape}, not (T, V, C) or '
            '(M, T, V, C)')
    if recording.scores is not None and (
            recording.scores.shape != points.shape[:-1]):
        raise InvalidRecording(
            f'has scores of shape {recording.scores.shape}, which do not fit '
            f'key points of shape {points.shape}')
    return [points if points.ndim == 4 else points[None]]


def tracks_of(points: np.ndarray, recording: Recording,
              options: ReadOptions) -> List[Track]:
    """Returns the persons of an array (M, T, V, C), checked."""
    scores = recording.scores
    if scores is not None:
        scores = scores.reshape(points.shape[:-1])
    if options.scored:
        points, scores = split_scores(points, scores)
    if points.shape[-1] not in (2, 3):
        raise InvalidRecording(
            f'has {points.shape[-1]} coordinates per joint, not 2 or 3')
    points = finite('coordinates', points)
    if scores is not None:
        scores = finite('scores', scores[..., None])[..., 0]
    tracks = split_array(points, scores)
    if not tracks:
        raise InvalidRecording('has only zeros')
    return tracks


def split_scores(
        points: np.ndarray,
        scores: Optional[np.ndarray]) -> Tuple[np.ndarray, np.ndarray]:
    """Splits the last of 3 or 4 channels off as the score."""
    if points.shape[-1] == 2 and scores is not None:
        return points, scores
    if scores is not None:
        raise InvalidRecording(
            f'has scores in addition to key points of {points.shape[-1]} '
            'channels, the last of which should be the score (--scored)')
    if points.shape[-1] == 2:
        raise InvalidRecording(
            'has 2 channels, neither of which can be the score '
            '(--scored)')
    return points[..., :-1], points[..., -1]


def scored_detection(person: Detection) -> Detection:
    """Splits the score off a person whose file has none of its own."""
    if person.scores is not None:
        return person
    return Detection(*split_scores(person.points, None), person.number)


def checked_frames(frames: List[List[Detection]]) -> List[List[Detection]]:
    """Returns the persons of every frame, without those of only zeros.

    Raises:
        InvalidRecording: If a value is not finite as float32, or if all are
            zero.
    """
    for what, key in (('coordinates', 'points'), ('scores', 'scores')):
        bad = [place for place, persons in enumerate(frames)
               if not all((np.abs(getattr(person, key)) <= LARGEST).all()
                          for person in persons
                          if getattr(person, key) is not None)]
        if bad:
            raise not_finite(what, len(bad), len(frames), bad[0])
    found = [[person for person in persons if person.points.any()]
             for persons in frames]
    if any(frames) and not any(found):
        raise InvalidRecording('has only zeros')
    return found


def finite(what: str, values: np.ndarray) -> np.ndarray:
    """Returns the values (M, T, V, C) as float32, if all are finite."""
    with np.errstate(over='ignore'):  # too large becomes infinite
        values = values.astype(np.float32)
    bad = ~np.isfinite(values).all((0, 2, 3))
    if bad.any():
        raise not_finite(what, int(bad.sum()), len(bad), int(bad.argmax()))
    return values


def not_finite(what: str, bad: int, frames: int,
               first: int) -> InvalidRecording:
    return InvalidRecording(f'has NaN or infinite {what} in {bad} of '
                            f'{frames} frames, the first being frame {first} '
                            '(from 0): write what is missing as 0')
