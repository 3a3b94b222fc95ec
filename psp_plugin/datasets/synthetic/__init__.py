from .dataset import SyntheticSkeletonDataset, make_clip

__all__ = ['SyntheticSkeletonDataset', 'make_clip']
