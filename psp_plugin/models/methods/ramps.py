"""Ramps: how the weight of a loss grows during training."""
from math import exp

from mmaction.registry import MODELS

from psp_plugin.errors import InputError


class Ramp:
    """Base class: a factor that grows over the first part of the training.

    Args:
        end (float): The share of the iterations after which the factor is 1,
            in (0, 1].

    Raises:
        InputError: If the share is not in (0, 1].
    """

    def __init__(self, end: float) -> None:
        if not 0 < end <= 1:
            raise InputError(f'end of {type(self).__name__} must be a share '
                             f'of the training in (0, 1], not {end!r}')
        self.end = end

    def __call__(self, progress: float) -> float:
        """Computes the factor of the weight.

        Args:
            progress (float): The share of the iterations that are done.
        """
        return self.shape(min(progress / self.end, 1.))

    def shape(self, share: float) -> float:
        """Computes the factor at a share of the ramp, from 0 to 1."""
        raise NotImplementedError


@MODELS.register_module()
class LinearRamp(Ramp):
    """Linear ramp from 0 to 1.

    Source: alpha(t) of Lee (ICML Workshops 2013); the length is that of USB
    (Wang et al., NeurIPS 2022).

    Args:
        end (float): Defaults to 0.4.
    """

    def __init__(self, end: float = 0.4) -> None:
        super().__init__(end)

    def shape(self, share: float) -> float:
        return share


@MODELS.register_module()
class SigmoidRamp(Ramp):
    """Ramp exp(-5 (1 - t)^2), from 0.0067 to 1.

    Source: Tarvainen and Valpola (NeurIPS 2017), section 3.

    Args:
        end (float): Defaults to 0.4.
    """

    def __init__(self, end: float = 0.4) -> None:
        super().__init__(end)

    def shape(self, share: float) -> float:
        return exp(-5 * (1 - share) ** 2)
