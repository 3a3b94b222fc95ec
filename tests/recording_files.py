"""Recordings of every format, as files like those of the original programs.

Shape legend: M person, T frame, V joint, C coordinate.
"""
import json
import pickle
from pathlib import Path
from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np
from foreign import (
    MIXAMO,
    alphapose,
    azure,
    bvh_text,
    coco_annotation,
    coco_image,
    flat,
    kinect_joints,
    kinetics,
    landmarks,
    mmpose,
    mmpose_meta,
    openpose,
    openpose_person,
    pku_mmd,
    skeleton_text,
    table_of,
    yolo,
    yolo_line,
)
from scipy.io import savemat

from psp_plugin.recordings.formats.kinect import JOINT_TYPES
from psp_plugin.skeletons import get_pyramid

LABEL = 3
IMG_SHAPE = (480, 640)
# Numbers of bodies of Kinect v2, which a float cannot tell apart.
BODIES = (72057594037944738, 72057594037944739)


class FileFormat(NamedTuple):
    """A format, or a variant of one, and what comes out of its files.

    Args:
        format: The format's name in ``psp_plugin.recordings``.
        variant: What distinguishes it from others of this format.
        write: Writes one clip, of a path without suffix, coordinates
            (M, T, V, C) and scores (M, T, V). Frames of an absent person are
            zero. Persons who are not numbered change places.
        joints: The number of joints V.
        axes: The number of coordinates C.
        unit: ``'pixels'``, ``'relative'`` (to the image) or ``'metres'``.
        decimals: Decimals of the coordinates and scores in the file.
        layout: Name of the joint layout; None if it is not known.
        scored: Whether scores come out.
        fps: The frame rate, if the file has it.
        label: The class, if the file has it.
        persons: The number of persons M that a file can have, at most 2.
        gaps: Whether a frame can be without a person.
        clips: Names of the clips in a file of several, of which every second
            one runs backwards.
    """
    format: str
    variant: str
    write: Callable[[Path, np.ndarray, np.ndarray], None]
    joints: int
    axes: int = 2
    unit: str = 'pixels'
    decimals: int = 3
    layout: Optional[str] = None
    scored: bool = False
    fps: Optional[float] = None
    label: Optional[int] = None
    persons: int = 2
    gaps: bool = True
    clips: Tuple[str, ...] = ('', )

    @property
    def title(self):
        """Its name in reports."""
        return f'{self.format}, {self.variant}' if self.variant else \
            self.format

    def clip(self, frames=12, seed=0):
        """Makes points (M, T, V, C) and scores (M, T, V) of this format.

        Two persons who move smoothly in two places; the first is absent in
        the middle frame, the second also in a quarter of the frames before
        it.
        """
        rng = np.random.default_rng(seed)
        size = (self.persons, 1, self.joints, self.axes)
        body = rng.uniform(-.1, .1, size) + (.3, .5, .6)[:self.axes]
        body[1:, ..., 0] += .4
        turns = np.linspace(0, 1, frames)[:, None, None] + rng.uniform(
            size=size)
        points = body + np.sin(2 * np.pi * turns) / 50
        points *= dict(pixels=640, relative=1, metres=4)[self.unit]
        scores = rng.uniform(.6, .9, points.shape[:-1])
        points, scores = (values.round(self.decimals)
                          for values in (points, scores))
        middle = frames // 2
        for values in (points, scores):
            if self.gaps:
                values[:, middle] = 0
            values[1:, middle - frames // 4:middle] = 0
        return points, scores

    def files(self, path):
        """Returns the files of a clip that was written, in order."""
        return sorted(file for file in path.parent.rglob('*')
                      if file.is_file() and file.relative_to(
                          path.parent).as_posix().startswith(path.name))


def detected(points, scores):
    """Yields the persons of each frame, in the order of a detector.

    Each is number, points (V, C) and scores (V,); the order changes from
    frame to frame, and the second person is the first in the first frame.
    """
    for frame in range(points.shape[1]):
        found = [(person, points[person, frame], scores[person, frame])
                 for person in range(len(points))
                 if points[person, frame].any()]
        yield found if frame % 2 else found[::-1]


def save(path, suffix, text, encoding='utf-8'):
    """Writes text, or anything else as JSON."""
    if not isinstance(text, str):
        text = json.dumps(text)
    path = path.with_name(path.name + suffix)
    path.write_bytes(text.encode(encoding))


def write_openpose(path, points, scores):
    """``--write_json FOLDER``."""
    path.mkdir()
    for frame, found in enumerate(detected(points, scores)):
        people = [openpose_person(*pose) for _, *pose in found]
        save(path / f'video_{frame:012d}_keypoints', '.json',
             openpose(*people))


def write_alphapose(path, points, scores):
    """``alphapose-results.json``; images without a person are not in it."""
    save(path, '.json', [
        alphapose(f'{frame}.jpg', *pose)
        for frame, found in enumerate(detected(points, scores))
        for _, *pose in found])


def write_alphapose_named(path, points, scores):
    """The form of older versions and of other programs, with tracks."""
    save(path, '.json', {
        f'frame_{frame:06d}.jpg': [
            alphapose('', *pose, idx=[number + 1.])
            for number, *pose in found]
        for frame, found in enumerate(detected(points, scores))})


def write_alphapose_frames(path, points, scores):
    """``--format cmu``, in the folder ``sep-json``."""
    path.mkdir()
    for frame, found in enumerate(detected(points, scores)):
        if found:
            save(path / f'{frame}', '.json', dict(
                version='AlphaPose v0.3',
                bodies=[dict(joints=flat(*pose)) for _, *pose in found]))


def write_mmpose(layout):
    """``pred_out_dir`` for a video, with the names of a joint layout."""
    def write(path, points, scores):
        frames = [dict(frame_id=frame + 1, instances=[
            mmpose(*pose) for _, *pose in found])
            for frame, found in enumerate(detected(points, scores))]
        save(path, '.json', frames if layout is None else dict(
            meta_info=mmpose_meta(layout), instance_info=frames))
    return write


def write_mmpose_images(path, points, scores):
    """``pred_out_dir`` for a folder of images."""
    path.mkdir()
    for frame, found in enumerate(detected(points, scores)):
        save(path / f'{frame:06d}', '.json',
             [mmpose(*pose) for _, *pose in found])


def write_coco_results(path, points, scores):
    save(path, '.json', [
        alphapose(frame + 40, *pose)
        for frame, found in enumerate(detected(points, scores))
        for _, *pose in found])


def write_coco_annotations(path, points, scores):
    """Annotated images; joints are all labelled."""
    frames = list(detected(points, scores))
    people = [(frame, *person) for frame, found in enumerate(frames)
              for person in found]
    save(path, '.json', dict(
        info={}, licenses=[],
        categories=[dict(
            id=1, name='person',
            keypoints=[name.replace(' ', '_') for name in
                       get_pyramid('coco').joint_names])],
        images=[coco_image(frame, f'video/{frame:05d}.jpg', IMG_SHAPE)
                for frame in range(len(frames))],
        annotations=[
            coco_annotation(i, frame, joints, np.full(len(joints), 2.))
            for i, (frame, _, joints, _) in enumerate(people)]))


def write_yolo(path, points, scores):
    """A list of what ``Results.to_json`` returns, tracked."""
    save(path, '.json', [
        json.dumps([yolo(*pose, track_id=number + 1)
                    for number, *pose in found])
        for found in detected(points, scores)])


def write_yolo_images(path, points, scores):
    path.mkdir()
    for frame, found in enumerate(detected(points, scores)):
        save(path / f'image_{frame}', '.json',
             [yolo(*pose) for _, *pose in found])


def write_yolo_labels(path, points, scores):
    """``save_txt``: all videos in one folder, no file without a person."""
    for frame, found in enumerate(detected(points, scores), 1):
        if found:
            save(path.with_name(f'{path.name}_{frame}'), '.txt', '\n'.join(
                [yolo_line(*pose) for _, *pose in found]) + '\n')


def write_mediapipe_image(path, points, scores):
    """A list of ``pose_landmarks`` of each frame."""
    save(path, '.json', [
        [landmarks(*pose) for _, *pose in found]
        for found in detected(points, scores)])


def write_mediapipe_world(path, points, scores):
    """Both kinds of landmarks with times, as of the landmarker."""
    save(path, '.json', dict(frames=[
        dict(frame=frame, timestamp_ms=40 * frame,
             pose_landmarks=[landmarks(joints / 4, score)
                             for _, joints, score in found],
             pose_world_landmarks=[landmarks(*pose) for _, *pose in found])
        for frame, found in enumerate(detected(points, scores))]))


def write_azure(path, points, scores):
    save(path, '.json', azure([
        {number + 1: joints for number, joints, _ in found}
        for found in detected(points, scores)]))


def write_kinect(layout):
    """Frames of bodies, as Json.NET writes those of the SDK."""
    def write(path, points, scores):
        save(path, '.json', [
            dict(timestamp_ms=40 * frame, Bodies=[
                dict(IsTracked=True, TrackingId=BODIES[number],
                     Joints=kinect_joints(JOINT_TYPES[layout], joints))
                for number, joints, _ in found])
            for frame, found in enumerate(detected(points, scores))])
    return write


def write_kinetics(path, points, scores):
    save(path, '.json', kinetics([
        (frame, [(joints.ravel().tolist(), score.tolist())
                 for _, joints, score in found])
        for frame, found in enumerate(detected(points, scores), 1)],
        label='cartwheeling', label_index=LABEL))


def write_kinetics_triples(path, points, scores):
    save(path, '.json', kinetics([
        (frame, [(np.c_[joints, score].tolist(), None)
                 for _, joints, score in found])
        for frame, found in enumerate(detected(points, scores), 1)],
        label='cartwheeling', label_index=LABEL))


def write_ntu(path, points, scores):
    text = skeleton_text([
        {BODIES[number]: joints for number, joints, _ in found}
        for found in detected(points, scores)])
    save(path, '.skeleton', text.replace('\n', '\r\n'))


def write_nwucla(path, points, scores):
    save(path, '.json', dict(
        file_name=path.name, skeletons=points[0].tolist(), label=LABEL))


def write_pku_mmd(path, points, scores):
    save(path, '.txt', pku_mmd(points.transpose(1, 0, 2, 3)[:, ::-1]))


def write_utd_mhad(path, points, scores):
    """The joints from head to hip, then arms and legs; (V, C, T)."""
    joints = points[0][:, [3, 2, 1, 0, *range(4, 20)]]
    savemat(f'{path}.mat', dict(d_skel=joints.transpose(1, 2, 0)))


def write_bvh(path, points, scores):
    """Joints that move without turning: positions from parent to joint."""
    parents = [parent for _, parent, _ in MIXAMO]
    moves = points[0].copy()
    moves[:, 1:] -= points[0][:, parents[1:]]
    motion = np.concatenate([moves, np.zeros_like(moves)], -1)
    save(path, '.bvh', bvh_text(
        MIXAMO, motion.reshape(len(motion), -1).round(6).tolist(),
        every='Xposition Yposition Zposition', time=0.04))


def write_npz_ntu(path, points, scores):
    """Clips of equal length, which zeros fill up, of one-hot classes."""
    length = points.shape[1] + 3
    rows = np.zeros((2, length, 2, 25, 3), np.float32)
    for row, clip in zip(rows, backwards(points)):
        row[:clip.shape[1]] = clip[::-1].transpose(1, 0, 2, 3)
    rows = rows.reshape(2, length, 150)
    classes = np.eye(60)[[LABEL]]
    np.savez(f'{path}.npz', x_train=rows[:1], y_train=classes,
             x_test=rows[1:], y_test=classes)


def backwards(points):
    """Returns the points of two clips, the second running backwards."""
    return points, points[:, ::-1]


def write_npz(path, points, scores):
    np.savez(f'{path}.npz', keypoint=points[::-1], fps=25, label=LABEL,
             keypoint_score=scores[::-1], img_shape=IMG_SHAPE)


def write_npy(path, points, scores):
    np.save(f'{path}.npy', points[::-1])


def write_list(path, points, scores):
    save(path, '.json', points[::-1].tolist())


def annotation(points, scores, **more):
    """An annotation of the toolbox, in single precision."""
    return dict(keypoint=np.float32(points[::-1]), label=LABEL,
                keypoint_score=np.float32(scores[::-1]),
                total_frames=points.shape[1], img_shape=IMG_SHAPE, **more)


def write_annotation_json(path, points, scores):
    save(path, '.json', {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in annotation(points, scores).items()})


def write_annotation(path, points, scores):
    Path(f'{path}.pkl').write_bytes(
        pickle.dumps(annotation(points, scores, frame_dir=path.name)))


def write_dataset(path, points, scores):
    clips = [annotation(*pair, frame_dir=name) for name, *pair in zip(
        'ab', backwards(points), backwards(scores))]
    Path(f'{path}.pkl').write_bytes(pickle.dumps(dict(
        split=dict(train=['a'], val=['b']), annotations=clips)))


def write_table(path, points, scores):
    """One frame per line, without names; zeros without a person."""
    save(path, '.txt', table_of(
        points[0].reshape(points.shape[1], -1), mark=' '))


def write_named_table(path, points, scores):
    """One person in a frame per line; joints from last to first."""
    names = get_pyramid('coco').joint_names
    header = ['frame', 'time_ms', 'person', 'label', *(
        f'{name.replace(" ", "_")}_{axis}' for name in names[::-1]
        for axis in ('x', 'y', 'score'))]
    rows = [[frame, 40 * frame, number, LABEL,
             *np.c_[joints, score][::-1].ravel().tolist()]
            for frame, found in enumerate(detected(points, scores))
            for number, joints, score in found]
    save(path, '.csv', table_of(np.array(rows, object), header))


POSE = dict(scored=True)  # 2D key points of a pose estimator
SENSOR = dict(axes=3, unit='metres', decimals=6)

FILES = (
    FileFormat('PoseDataset annotation', '.pkl', write_annotation, 17,
               **POSE, label=LABEL),
    FileFormat('PoseDataset annotation', '.json', write_annotation_json, 17,
               **POSE, label=LABEL),
    FileFormat('PoseDataset annotations', '', write_dataset, 17, **POSE,
               label=LABEL, clips=('a', 'b')),
    FileFormat('NTU RGB+D', '', write_ntu, 25, **SENSOR, layout='nturgb+d'),
    FileFormat('PKU-MMD', '', write_pku_mmd, 25, **SENSOR,
               layout='nturgb+d', fps=30),
    FileFormat('UTD-MHAD', '', write_utd_mhad, 20, **SENSOR,
               layout='nwucla', persons=1, gaps=False),
    FileFormat('Kinetics-skeleton', 'pairs', write_kinetics, 18, **POSE,
               unit='relative', layout='openpose', label=LABEL),
    FileFormat('Kinetics-skeleton', 'triples', write_kinetics_triples, 18,
               **POSE, unit='relative', layout='openpose', label=LABEL),
    FileFormat('OpenPose', 'BODY_25', write_openpose, 25, **POSE,
               layout='openpose_body25'),
    FileFormat('OpenPose', 'COCO', write_openpose, 18, **POSE,
               layout='openpose'),
    FileFormat('OpenPose', 'MPI', write_openpose, 15, **POSE,
               layout='openpose_mpi'),
    FileFormat('AlphaPose', 'COCO', write_alphapose, 17, **POSE,
               layout='coco'),
    FileFormat('AlphaPose', 'Halpe', write_alphapose, 26, **POSE,
               layout='halpe26'),
    FileFormat('AlphaPose by image', '', write_alphapose_named, 17, **POSE,
               layout='coco'),
    FileFormat('AlphaPose per frame', '', write_alphapose_frames, 18, **POSE,
               layout='openpose'),
    FileFormat('MMPose', 'inferencer', write_mmpose(None), 17, **POSE,
               layout='coco'),
    FileFormat('MMPose', 'demo, Halpe', write_mmpose('halpe26'), 26, **POSE,
               layout='halpe26'),
    FileFormat('MMPose', '3D', write_mmpose(None), 17, **SENSOR),
    FileFormat('MMPose by image', '', write_mmpose_images, 17, **POSE,
               layout='coco'),
    FileFormat('COCO results', '', write_coco_results, 17, **POSE,
               layout='coco'),
    FileFormat('COCO annotations', '', write_coco_annotations, 17, **POSE,
               layout='coco'),
    FileFormat('YOLO-pose', '', write_yolo, 17, **POSE, layout='coco'),
    FileFormat('YOLO-pose by image', '', write_yolo_images, 17, **POSE,
               layout='coco'),
    FileFormat('YOLO-pose labels', '', write_yolo_labels, 17, **POSE,
               unit='relative', decimals=6, layout='coco'),
    FileFormat('MediaPipe', 'image', write_mediapipe_image, 33, axes=3,
               unit='relative', decimals=6, layout='mediapipe'),
    FileFormat('MediaPipe', 'world', write_mediapipe_world, 33, **SENSOR,
               layout='mediapipe', fps=25),
    FileFormat('Azure Kinect', '', write_azure, 32, **SENSOR,
               layout='azure_kinect', fps=30),
    FileFormat('Kinect v2 or v1', 'v2', write_kinect('nturgb+d'), 25,
               **SENSOR, layout='nturgb+d', fps=25),
    FileFormat('Kinect v2 or v1', 'v1', write_kinect('nwucla'), 20,
               **SENSOR, layout='nwucla', fps=25),
    FileFormat('BVH', '', write_bvh, len(MIXAMO), **SENSOR, layout='bvh',
               fps=25, persons=1, gaps=False),
    FileFormat('NTU RGB+D of CTR-GCN', '', write_npz_ntu, 25, **SENSOR,
               layout='nturgb+d', label=LABEL,
               clips=('train_000000', 'test_000000')),
    FileFormat('NumPy archive', '', write_npz, 17, **POSE, fps=25,
               label=LABEL),
    FileFormat('NumPy array', '', write_npy, 17, **SENSOR),
    FileFormat('NW-UCLA', '', write_nwucla, 20, **SENSOR, layout='nwucla',
               persons=1),
    FileFormat('list of numbers', '', write_list, 17, **SENSOR),
    FileFormat('table of numbers', 'without names', write_table, 25,
               **SENSOR, persons=1),
    FileFormat('table of numbers', 'with names', write_named_table, 17,
               **POSE, layout='coco', fps=25, label=LABEL),
)
