from .gcn_with_neck import RecognizerGCNWithNeck
from .psp import PSPRecognizer

__all__ = ['PSPRecognizer', 'RecognizerGCNWithNeck']
