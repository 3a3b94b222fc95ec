from .multi_branch import MultiBranchPreprocessor

__all__ = ['MultiBranchPreprocessor']
