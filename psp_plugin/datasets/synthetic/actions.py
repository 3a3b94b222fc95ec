"""The ten actions of the synthetic clips, in pairs of similar ones.

Key poses give the difference from the rest pose, in degrees per hinge.
"""
from dataclasses import dataclass
from typing import Tuple

from .body import Pose

REST: Pose = dict(shoulder=(2, 0, 8), elbow=(14, 0, 0), hip=(3, 0, 2),
                  knee=(-5, 0, 0), ankle=(2, 0, 0))
# An arm that does not act may be bent, as if it carried something.
HELD: Pose = dict(shoulder=(12, 45, 4), elbow=(75, 0, 0))
# Standard deviations of the posture between persons, and again between clips;
# hinges that do not act move by about as much. They are chosen, like the
# ranges below, so that five clips are not enough to learn a class.
LOOSENESS: Pose = dict(pelvis=(1.5, 4.5, 1), spine=(2, 2, 1.5),
                       chest=(2, 4, 1.5), neck=(4.5, 7.5, 3),
                       shoulder=(4.5, 7.5, 3), elbow=(7.5, 0, 0),
                       wrist=(6, 0, 6), hip=(1.5, 1.5, 1.5),
                       knee=(2.5, 0, 0), ankle=(1.5, 0, 0))


@dataclass(frozen=True)
class Action:
    """An action, defined for the right side if only one side acts.

    Args:
        name: Name of the class.
        poses: Key poses: relative duration until each is reached, and its
            difference from the rest pose in degrees.
        repeats: Minimum and maximum number of repetitions of the poses.
            Defaults to ``(1, 1)``.
        both: Probability that both sides act. Defaults to 0.
        one_foot: Whether only the foot of the other side stays in place.
            Defaults to False.
        returns: Whether the body returns to the rest pose. Defaults to True.
    """
    name: str
    poses: Tuple[Tuple[float, Pose], ...]
    repeats: Tuple[int, int] = (1, 1)
    both: float = 0.
    one_foot: bool = False
    returns: bool = True


ACTIONS = (
    Action('wave', ((1, dict(shoulder=(128, 85, 72), elbow=(88, 0, 0))),
                    (1, dict(shoulder=(128, 25, 72), elbow=(88, 0, 0)))),
           repeats=(2, 4)),
    Action('throw',
           ((1.6, dict(shoulder=(25, -80, 108), elbow=(80, 0, 0),
                       chest=(5, -22, 0))),
            (.7, dict(shoulder=(107, 54, 4), elbow=(26, 0, 0),
                      chest=(-8, 18, 0), spine=(-8, 0, 0))),
            (.8, dict(shoulder=(44, 60, -20), elbow=(10, 0, 0),
                      chest=(-12, 25, 0), spine=(-14, 0, 0)))),
           repeats=(1, 2)),
    Action('punch',
           ((1.2, dict(shoulder=(-27, -6, 16), elbow=(120, 0, 0),
                       chest=(0, -14, 0))),
            (.8, dict(shoulder=(86, 40, -7), elbow=(-2, 0, 0),
                      chest=(0, 22, 0)))),
           repeats=(1, 3), both=.15),
    Action('push',
           ((1.2, dict(shoulder=(-12, 0, 12), elbow=(115, 0, 0),
                       wrist=(-45, 0, 0), spine=(4, 0, 0))),
            (1.2, dict(shoulder=(80, 20, -3), elbow=(-2, 0, 0),
                       wrist=(-65, 0, 0), spine=(-9, 0, 0))),
            (.6, dict(shoulder=(82, 20, -3), elbow=(-2, 0, 0),
                      wrist=(-65, 0, 0), spine=(-12, 0, 0)))),
           repeats=(1, 2), both=.5),
    Action('drink',
           ((1.5, dict(shoulder=(46, 38, 3), elbow=(108, 0, 0))),
            (.8, dict(shoulder=(80, 39, 8), elbow=(114, 0, 0),
                      neck=(18, 0, 0))),
            (.6, dict(shoulder=(82, 39, 8), elbow=(116, 0, 0),
                      neck=(24, 0, 0)))),
           repeats=(1, 3)),
    Action('answer phone',
           ((1.2, dict(shoulder=(112, 32, 36), elbow=(120, 0, 0),
                       neck=(0, 0, -6))),
            (2.5, dict(shoulder=(115, 32, 36), elbow=(122, 0, 0),
                       neck=(-3, 8, -12))))),
    Action('kick', ((1, dict(hip=(-24, 0, 0), knee=(-55, 0, 0))),
                    (.8, dict(hip=(58, 0, 0), knee=(0, 0, 0),
                              pelvis=(6, 0, 0)))),
           repeats=(1, 2), one_foot=True),
    Action('step', ((1, dict(hip=(48, 0, 0), knee=(-62, 0, 0))),
                    (.8, dict(hip=(27, 0, 0), knee=(-5, 0, 0),
                              pelvis=(-5, 0, 0)))),
           repeats=(1, 2), one_foot=True),
    Action('sit down',
           ((1, dict(pelvis=(-34, 0, 0), hip=(92, 0, 0), knee=(-72, 0, 0),
                     ankle=(14, 0, 0))),
            (1, dict(pelvis=(-6, 0, 0), hip=(88, 0, 0), knee=(-85, 0, 0),
                     ankle=(3, 0, 0)))),
           both=1, returns=False),
    Action('squat',
           ((1.2, dict(pelvis=(-30, 0, 0), hip=(112, 0, 0), knee=(-114, 0, 0),
                       ankle=(32, 0, 0))),
            (.4, dict(pelvis=(-30, 0, 0), hip=(118, 0, 0), knee=(-120, 0, 0),
                      ankle=(32, 0, 0)))),
           repeats=(1, 2), both=1))
CLASSES = tuple(action.name for action in ACTIONS)
