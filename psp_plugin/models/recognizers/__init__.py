from .gcn_with_neck import RecognizerGCNWithNeck
from .hacm import HACMPretrainer
from .psp import PSPRecognizer

__all__ = ['HACMPretrainer', 'PSPRecognizer', 'RecognizerGCNWithNeck']
