from .psp import PSPRecognizer

__all__ = ['PSPRecognizer']
