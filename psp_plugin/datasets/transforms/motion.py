"""Gives motion a scale of its own."""
from typing import Dict

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


@TRANSFORMS.register_module()
class ScaleMotion(BaseTransform):
    """Multiplies the motion half of joint-and-motion skeletons.

    The toolbox's motion is a displacement per frame, a hundredth of the size
    of the joints' coordinates at 30 frames a second. Both streams share the
    encoder's batch norms, in which so small a signal drowns; with the frame
    rate as the factor it is a velocity, in metres per second.

    Source: this project's own; the PSP paper does not say how motion is
    scaled.

    Args:
        factor (float): What motion is multiplied by; the frame rate makes it
            a velocity.
        scored (bool): Whether the last channel is the score of a 2D key
            point, which stays as it is. Defaults to False.

    Raises:
        ValueError: If the factor is not positive.
    """

    def __init__(self, factor: float, scored: bool = False) -> None:
        if not factor > 0:
            raise ValueError(f'factor must be positive, not {factor}')
        self.factor = factor
        self.scored = scored

    def transform(self, results: Dict) -> Dict:
        """Scales the motion; the input array is left as it was.

        Args:
            results (dict): ``keypoint`` (M, T, V, 2C), joint coordinates
                first, as ``GenSkeFeat(feats=['j', 'jm'])`` gives it.

        Returns:
            dict: The same dict with a new ``keypoint``.

        Raises:
            ValueError: If the channels cannot be halved.
        """
        keypoint = results['keypoint'].copy()
        channels = keypoint.shape[-1]
        if channels % 2:
            raise ValueError(
                f'keypoint of clip {results.get("frame_dir")!r} has '
                f'{channels} channels, which are not joint and motion: put '
                "ScaleMotion behind GenSkeFeat(feats=['j', 'jm'])")
        keypoint[..., channels // 2:channels - self.scored] *= self.factor
        results['keypoint'] = keypoint
        return results

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(factor={self.factor}, '
                f'scored={self.scored})')
