"""Contents of the formats of pose estimators, as their programs write them."""
import numpy as np

RNG = np.random.default_rng(0)


def poses(frames, joints, axes=2):
    """Coordinates (T, V, C) and scores (T, V), with three decimals."""
    points = RNG.uniform(0.1, 0.9, (frames, joints, axes)).round(3)
    return points, RNG.uniform(0.1, 1, (frames, joints)).round(3)


def flat(points, scores):
    """x, y[, z], score, x, ... of one person."""
    return np.concatenate([points, scores[:, None]], 1).ravel().tolist()


def openpose_person(points, scores, number=-1):
    return dict(person_id=[number], pose_keypoints_2d=flat(points, scores),
                face_keypoints_2d=[], hand_left_keypoints_2d=[],
                hand_right_keypoints_2d=[], pose_keypoints_3d=[])


def openpose(*people):
    """One file."""
    return dict(version=1.3, people=list(people))


def alphapose(image, points, scores, **more):
    """One entry of the list."""
    return dict(image_id=image, category_id=1, keypoints=flat(points, scores),
                score=2.5, **more)


def mmpose(points, scores, **more):
    """One instance, with the box in two lists as MMPose has it."""
    return dict(keypoints=points.tolist(), keypoint_scores=scores.tolist(),
                bbox=[[1., 2., 30., 40.]], bbox_score=0.9, **more)


def yolo(points, scores, **more):
    """One result."""
    return dict(name='person', **{'class': 0}, confidence=0.8,
                box=dict(x1=1., y1=2., x2=30., y2=40.),
                keypoints=dict(x=points[:, 0].tolist(),
                               y=points[:, 1].tolist(),
                               visible=scores.tolist()), **more)


def yolo_line(points, scores, *more):
    """One line of a label file."""
    numbers = (0, 0.5, 0.5, 0.2, 0.4, *flat(points, scores), *more)
    return ' '.join(f'{number:g}' for number in numbers)


def landmarks(points, scores):
    """One person's MediaPipe landmarks."""
    return [dict(x=x, y=y, z=z, visibility=v) for (x, y, z), v in zip(
        points.tolist(), scores.tolist())]


def kinetics(frames, **more):
    """Kinetics-skeleton of [(index, [(pose, score), ...]), ...]."""
    return dict(data=[
        dict(frame_index=index, skeleton=[
            dict(pose=pose) if score is None else dict(pose=pose, score=score)
            for pose, score in persons]) for index, persons in frames],
        **more)
