"""Warns of normalisation joints that are not spine and shoulders.

Shape legend: T frame, V joint.
"""
import warnings
from typing import Dict, Iterable, List

import numpy as np
from mmengine.dataset import BaseDataset, Compose

from psp_plugin.skeletons import joints_of

from .transforms.normalize import NormalizeSkeleton3D

CLIPS, FRAMES = 20, 5  # looked at
# Least cosine between spine and long axis, greatest between spine and
# shoulders, greatest distance of the centre from the middle of the body.
SPINE, SHOULDERS, CENTER = 0.8, 0.4, 1.4


def warn_of_axes(pipeline: Compose, dataset: BaseDataset) -> None:
    """Warns if ``NormalizeSkeleton3D`` uses joints that do not fit the clips.

    Joints of another layout exist as well, so that nothing fails: skeletons
    lie on their side, each clip in another direction. Medians of 20 clips
    spread over the dataset, five frames of each, see :func:`measure`:

    - The spine (``zaxis``) has a cosine of at least 0.8 with the axis along
      which the joints are spread most.
    - Spine and shoulders (``xaxis``) have a cosine of at most 0.4.
    - The centre is at most 1.4 times the standard deviation of the joints
      from their mean.

    The limits come from NW-UCLA: of 400 draws of 20 clips, half of them of
    one class only, none was warned of (least 0.91, greatest 0.22), nor were
    the frames in which a person sits (0.95 and 0.09), or the joints above the
    hips alone (0.95 and 0.10). Joints in random order were found in 91% of
    300 orders, as were the default joints on the joints of Human3.6M, SMPL,
    BODY_25 and COCO, but neither an arm that hangs down as the spine, nor
    reversed joints, which turn all clips upside down alike.

    Args:
        pipeline (Compose): The transforms of the dataset.
        dataset (BaseDataset): The dataset; clips without a 3D ``keypoint``
            are not measured.
    """
    for transform in pipeline.transforms:
        if isinstance(transform, NormalizeSkeleton3D):
            problems = describe_axes(transform, first_keypoints(dataset))
            if problems:
                # A fixed text and place, so that Python prints it once for
                # all views of a file.
                warnings.warn(
                    f'{dataset.ann_file}: NormalizeSkeleton3D does not fit '
                    f'these joints, as in most clips {", and ".join(problems)}'
                    ': name the joints of these clips with layout=..., or '
                    'with center, zaxis and xaxis', stacklevel=1)


def first_keypoints(dataset: BaseDataset) -> Iterable[np.ndarray]:
    """Yields the 3D key points of a few clips, spread over a dataset."""
    count = len(dataset)
    for index in np.unique(np.linspace(0, count - 1, CLIPS).astype(int)):
        # Not the dataset's own method, which may open a file per clip.
        info = BaseDataset.get_data_info(dataset, int(index))
        keypoint = info.get('keypoint')
        if np.ndim(keypoint) == 4 and np.shape(keypoint)[3] == 3:
            yield keypoint


def describe_axes(transform: NormalizeSkeleton3D,
                  keypoints: Iterable[np.ndarray]) -> List[str]:
    """Returns what is wrong with the joints of a transform, as clauses."""
    found = [values for values in (measure(transform, keypoint)
                                   for keypoint in keypoints) if values]
    if not found:
        return []
    spine, shoulders, center = (
        np.median([values[name] for values in found])
        for name in ('spine', 'shoulders', 'center'))

    def name(point):
        return f'joint {point}' if transform.layout is None else (
            f'joint {transform.layout.name_of(point)}')

    bottom, top = map(name, transform.zaxis or (0, 0))
    right, left = map(name, transform.xaxis or (0, 0))
    problems = []
    if transform.align_spine and spine < SPINE:
        problems.append(f'zaxis, from {bottom} to {top}, does not run along '
                        'the body')
    if transform.align_spine and transform.align_shoulder and (
            shoulders > SHOULDERS):
        problems.append(f'xaxis, from {left} to {right}, is not across zaxis, '
                        f'from {bottom} to {top}')
    if transform.align_center and center > CENTER:
        problems.append(f'center, {name(transform.center)}, is at an end of '
                        'the body')
    return problems


def measure(transform: NormalizeSkeleton3D,
            keypoint: np.ndarray) -> Dict[str, float]:
    """Measures spine, shoulders and centre of the main person of a clip.

    Args:
        transform (NormalizeSkeleton3D): Has the joints.
        keypoint (np.ndarray): (M, T, V, 3).

    Returns:
        dict: Medians over frames: ``spine``, the absolute cosine of ``zaxis``
        and the first principal axis of the joints; ``shoulders``, that of
        ``zaxis`` and ``xaxis``; ``center``, the distance of the centre from
        the mean of the joints by their standard deviation. 0 for what has no
        length, or is not aligned. Empty without a frame of finite values that
        has all joints in use.
    """
    used = [transform.center] * transform.align_center
    used += [*transform.zaxis] * transform.align_spine
    used += [*transform.xaxis] * transform.align_shoulder
    joints = [joint for point in used for joint in joints_of(point)]
    frames = transform.main_frames(keypoint)
    if max(joints, default=0) >= frames.shape[1]:
        return {}
    frames = frames[(frames[:, joints] != 0).any(-1).all(-1)
                    & np.isfinite(frames).all((1, 2))]
    if not len(frames):
        return {}
    chosen = np.linspace(0, len(frames) - 1, FRAMES).astype(int)
    values = [measure_frame(transform, frame) for frame in frames[chosen]]
    return {name: float(np.median([value[name] for value in values]))
            for name in values[0]}


def measure_frame(transform: NormalizeSkeleton3D,
                  frame: np.ndarray) -> Dict[str, float]:
    """The values of :func:`measure` in one frame (V, 3)."""
    seen = frame[(frame != 0).any(-1)].astype(np.float64)
    middle = seen.mean(0)
    size = np.sqrt(((seen - middle) ** 2).sum(-1).mean())
    along = np.linalg.svd(seen - middle, full_matrices=False)[2][0]

    def place(point):
        return frame[list(joints_of(point))].mean(0, dtype=np.float64)

    def direction(axis, is_used):
        if not is_used:
            return np.zeros(3)
        vector = place(axis[1]) - place(axis[0])
        return vector / max(np.linalg.norm(vector), 1e-9)

    spine = direction(transform.zaxis, transform.align_spine)
    shoulders = direction(transform.xaxis, transform.align_shoulder)
    offset = (np.linalg.norm(place(transform.center) - middle)
              if transform.align_center else 0.)
    return dict(spine=abs(spine @ along), shoulders=abs(spine @ shoulders),
                center=offset / max(size, 1e-9))
