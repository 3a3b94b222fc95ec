from .frames import draw_frames
from .importance import joint_importance
from .skeleton_video import write_skeleton_video

__all__ = ['draw_frames', 'joint_importance', 'write_skeleton_video']
