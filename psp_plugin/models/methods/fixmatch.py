"""FixMatch (Sohn et al., NeurIPS 2020), FlexMatch and SoftMatch."""
from typing import Optional

from mmaction.registry import MODELS

from .pseudo_label import PseudoLabel


@MODELS.register_module()
class FixMatch(PseudoLabel):
    """Cross-entropy of the strong view with pseudo-labels of the weak view.

    Of each unlabelled clip, the prediction for the weak view is the
    pseudo-label of the strong view, if ``mask`` finds it confident.

    Source: Sohn et al. (arXiv 2001.07685), equation 4 and algorithm 1. The
    labelled clips and both views go through the encoder as one batch. Departs
    from the paper in testing the student; for the published average of its
    weights use ``EMAHook``.

    With ``mask=dict(type='FlexMatchThreshold', num_clips=...)`` it is
    FlexMatch (Zhang et al., NeurIPS 2021), with ``SoftMatchWeight`` SoftMatch
    (Chen et al., ICLR 2023).

    Args:
        mask (dict): Computes the weight of every clip from its class
            probabilities. Defaults to ``FixedThreshold``, 0.95.
        loss_weight (float): Lambda_u. Defaults to 1.
        ramp (dict, optional): Defaults to None, as published.
    """

    name = 'fixmatch'
    views = ('weak', 'strong')
    learner = 'strong'  # Eq. 4

    def __init__(self, mask: dict = dict(type='FixedThreshold'),
                 loss_weight: float = 1.,
                 ramp: Optional[dict] = None) -> None:
        super().__init__(mask, loss_weight, ramp)
