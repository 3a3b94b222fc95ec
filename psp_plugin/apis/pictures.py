"""What pictures of clips need from a model."""
from typing import List, Optional, Tuple

import numpy as np
from mmaction.models.recognizers import BaseRecognizer
from mmengine.dataset import pseudo_collate

from psp_plugin.commands.clips import Clip, ClipPreparer
from psp_plugin.models import PyramidPooling
from psp_plugin.models.recognizers.checks import num_joints_of
from psp_plugin.skeletons import SkeletonPyramid
from psp_plugin.tooling.pages import lines_of, up_axis
from psp_plugin.tooling.visualization import clip_attention, contrasted_levels


class Pictures:
    """Mixin with the importance of joints, the bones and the upward axis."""
    model: BaseRecognizer
    prepare: ClipPreparer

    def importance(self, clip: Clip) -> np.ndarray:
        """Computes how important the joints of a clip are to the model.

        Args:
            clip (str or Path or dict): See
                :meth:`SkeletonInferencer.__call__`.

        Returns:
            np.ndarray: (V,), see
            :func:`psp_plugin.tooling.visualization.joint_importance`; padded
            persons do not count.

        Raises:
            ClipError: If the clip is invalid.
            ValueError: If the model has no attention maps.
        """
        if self.lacks_attention:
            raise ValueError(self.lacks_attention)
        data = self.model.data_preprocessor(
            pseudo_collate([self.prepare(clip)]))
        return clip_attention(self.model, data['inputs']).importance

    @property
    def lacks_attention(self) -> Optional[str]:
        """Why the model has no attention maps, None if it has."""
        name = type(self.model).__name__
        if not hasattr(self.model, 'attention'):
            return f'{name} has no attention maps, only PSPRecognizer has'
        if not self.model.with_neck:
            return f'this {name} has no neck, thus no attention'
        if isinstance(self.model.neck, PyramidPooling):
            return f'the PyramidPooling of this {name} has no attention'
        if 'joint' not in contrasted_levels(self.model):
            return (f'the loss_con of this {name} leaves the joint level out, '
                    'whose attention is thus untrained')
        return None

    @property
    def pyramid(self) -> Optional[SkeletonPyramid]:
        """The joint layout of the neck, None without one."""
        return getattr(getattr(self.model, 'neck', None), 'pyramid', None)

    def up_axis(self, keypoint: np.ndarray) -> str:
        """Finds the axis that points up in a 3D clip, for pictures.

        Args:
            keypoint (np.ndarray): (M, T, V, C).

        Returns:
            str: ``'y'``, ``'-y'`` or ``'z'``, whichever the spine of the
            neck's joint layout is nearest to; ``'y'`` without a spine.
        """
        return up_axis(keypoint, self.pyramid)

    @property
    def bones(self) -> List[Tuple[int, int]]:
        """Pairs of joints to draw a line between, empty if none are known.

        They are those of the neck's joint layout, or a chain through every
        part if the layout has none. Without a neck they are those of the
        encoder's graph, or of the built-in layout with as many joints.
        """
        pyramid = self.pyramid
        graph = getattr(self.model.backbone, 'graph', None)
        if pyramid is None and graph is not None:
            return [(a, b) for a, b in graph.inward]
        return lines_of(num_joints_of(self.model.backbone), pyramid)
