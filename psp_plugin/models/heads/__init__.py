from .pretrained import JointMLPHead, LinearProbeHead
from .two_stream import TwoStreamHead

__all__ = ['JointMLPHead', 'LinearProbeHead', 'TwoStreamHead']
