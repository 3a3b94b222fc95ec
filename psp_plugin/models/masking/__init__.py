from .cross import CrossMasking
from .motion_aware import MotionAwareMasking

__all__ = ['CrossMasking', 'MotionAwareMasking']
