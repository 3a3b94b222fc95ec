"""FixMatch (Sohn et al., NeurIPS 2020) and what differs by the mask alone."""
from typing import Optional

from mmaction.registry import MODELS

from .pseudo_label import PseudoLabel


@MODELS.register_module()
class FixMatch(PseudoLabel):
    """Labels the weakly augmented clip, learns from the strongly augmented.

    Source: Sohn et al. (arXiv 2001.07685), equation 4 and algorithm 1. The
    labelled clips and both views go through the encoder as one batch.
    Departure: what is tested is the student; the published average of its
    weights is ``EMAHook``.

    With ``mask=dict(type='FlexMatchThreshold', num_clips=...)`` it is
    FlexMatch (Zhang et al., NeurIPS 2021), with ``SoftMatchWeight`` SoftMatch
    (Chen et al., ICLR 2023).

    Args:
        mask (dict): The weight of every clip, from its probabilities. Defaults
            to ``FixedThreshold``, 0.95.
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
