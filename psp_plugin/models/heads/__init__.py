from .two_stream import TwoStreamHead

__all__ = ['TwoStreamHead']
