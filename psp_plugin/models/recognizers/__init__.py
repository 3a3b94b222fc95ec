from .gcn_with_neck import RecognizerGCNWithNeck
from .hacm import HACMPretrainer
from .psp import PSPRecognizer
from .semi_supervised import SemiSupervisedRecognizer

__all__ = [
    'HACMPretrainer', 'PSPRecognizer', 'RecognizerGCNWithNeck',
    'SemiSupervisedRecognizer'
]
