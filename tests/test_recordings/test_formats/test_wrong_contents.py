"""Random values in random places of the output of pose estimators."""
import copy
from importlib import import_module

import pytest
from foreign import (
    alphapose,
    flat,
    kinetics,
    landmarks,
    mmpose,
    openpose,
    openpose_person,
    poses,
    yolo,
    yolo_line,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psp_plugin.recordings.recording import InvalidRecording, Recording

POSES = list(zip(*poses(3, 17)))
THREE_D = list(zip(*poses(3, 33, 3)))
FLAT = flat(*POSES[0])

# A valid content of every format; of one frame where files have one.
CONTENTS = {
    'OpenPose': openpose(*(openpose_person(*pose) for pose in POSES)),
    'AlphaPose': [alphapose(f'{i}.jpg', *pose, idx=i)
                  for i, pose in enumerate(POSES)],
    'AlphaPose by image': {
        f'{i}.jpg': [alphapose('', *pose, idx=[i])]
        for i, pose in enumerate(POSES)},
    'AlphaPose per frame': dict(version='AlphaPose v0.3',
                                bodies=[dict(joints=FLAT)]),
    'MMPose': dict(
        meta_info=dict(keypoint_id2name={'0': 'nose'}),
        instance_info=[dict(frame_id=i, instances=[mmpose(*pose)])
                       for i, pose in enumerate(POSES)]),
    'MMPose by image': [mmpose(*pose, track_id=1) for pose in POSES],
    'COCO results': [alphapose(i, *pose) for i, pose in enumerate(POSES)],
    'COCO annotations': dict(
        images=[dict(id=i, file_name=f'{i}.jpg', video_id=0, width=4,
                     height=3) for i in range(3)],
        annotations=[dict(alphapose(i, *pose), iscrowd=0)
                     for i, pose in enumerate(POSES)],
        categories=[dict(keypoints=['nose'])]),
    'YOLO-pose': [[yolo(*pose, track_id=1)] for pose in POSES],
    'YOLO-pose by image': [yolo(*pose) for pose in POSES],
    'YOLO-pose labels': '\n'.join(yolo_line(*pose, 0.5, 1) for pose in POSES),
    'MediaPipe': dict(frames=[
        dict(timestamp_ms=i, frame=i, landmarks=[landmarks(*pose)],
             world_landmarks=[landmarks(*pose)])
        for i, pose in enumerate(THREE_D)]),
    'Kinetics-skeleton': kinetics(
        [(i, [(pose[0].tolist(), pose[1].tolist())])
         for i, pose in enumerate(POSES)], label='x', label_index=2),
}
FORMATS = {
    found.name: found
    for module in ('openpose', 'alphapose', 'mmpose', 'coco_results', 'yolo',
                   'mediapipe', 'kinetics')
    for found in import_module(
        f'psp_plugin.recordings.formats.{module}').FORMATS}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 40) | st.floats()
    | st.sampled_from(['', '7', 'a.jpg', 10**400, -1, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(['x', 'keypoints', 'people', '0']), inner,
        max_size=2), max_leaves=5)
fuzz = settings(derandomize=True, deadline=None, database=None,
                max_examples=40, suppress_health_check=list(HealthCheck))


@st.composite
def changes(draw, content):
    """The content with one to three values replaced or removed."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        here = content
        while True:
            keys = list(here) if isinstance(here, dict) else range(len(here))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(here[key], (dict, list))
            if not deeper or draw(st.integers(0, 3)) == 0:
                if draw(st.booleans()):
                    here[key] = draw(VALUES)
                else:
                    del here[key]
                break
            here = here[key]
    return content


def read(chosen, content):
    """What the format reads, or None if it refuses with a sentence."""
    try:
        made = chosen.read({3: content} if chosen.frame_name else content)
    except InvalidRecording as problem:
        message = str(problem)
        assert message.startswith('has ') and '\n' not in message
        assert len(message) < 400
        return None
    assert made and all(isinstance(one, Recording) for one in made)
    for person in sum((sum(one.frames, []) for one in made), []):
        assert person.points.ndim == 2 and person.points.shape[1] in (2, 3)
        assert person.scores is None or person.scores.shape == (
            len(person.points), )
    return made


@pytest.mark.parametrize('name', FORMATS)
def test_one_format_matches(name):
    """So the order in which the formats are tried does not matter."""
    assert [other.name for other in FORMATS.values()
            if other.matches(CONTENTS[name])] == [name]
    assert read(FORMATS[name], CONTENTS[name])


@pytest.mark.parametrize('name', [
    name for name, content in CONTENTS.items()
    if not isinstance(content, str)])
@fuzz
@given(data=st.data())
def test_changed_contents_are_read_or_refused(name, data):
    content = data.draw(changes(CONTENTS[name]))
    for chosen in FORMATS.values():
        if chosen.matches(content):
            read(chosen, content)
    if FORMATS[name].frame_name:  # one changed file of several
        read(FORMATS[name], content)


@fuzz
@given(content=VALUES)
def test_formats_match_any_content_without_an_error(content):
    for chosen in FORMATS.values():
        if chosen.matches(content):
            read(chosen, content)


@fuzz
@given(place=st.integers(0, 900), text=st.text(max_size=3))
def test_changed_labels_are_read_or_refused(place, text):
    content = CONTENTS['YOLO-pose labels']
    content = content[:place] + text + content[place + len(text):]
    chosen = FORMATS['YOLO-pose labels']
    chosen.matches(content)
    read(chosen, content)
