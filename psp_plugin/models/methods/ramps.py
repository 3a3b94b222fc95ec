"""How the weight of a loss grows in the course of a training."""
from math import exp

from mmaction.registry import MODELS

from psp_plugin.errors import InputError


class Ramp:
    """Grows from the start of the training to a share of it.

    Args:
        end (float): The share of the iterations after which it is 1, in
            (0, 1].

    Raises:
        InputError: If the share is not in that range.
    """

    def __init__(self, end: float) -> None:
        if not 0 < end <= 1:
            raise InputError(f'end of {type(self).__name__} must be a share '
                             f'of the training in (0, 1], not {end!r}')
        self.end = end

    def __call__(self, progress: float) -> float:
        """The factor of the weight.

        Args:
            progress (float): The share of the iterations that are done.
        """
        return self.shape(min(progress / self.end, 1.))

    def shape(self, share: float) -> float:
        """The factor at a share, from 0 to 1, of the ramp itself."""
        raise NotImplementedError


@MODELS.register_module()
class LinearRamp(Ramp):
    """Grows in a straight line from 0.

    Source: Lee (ICML Workshops 2013), whose alpha(t) it is; the length is
    that of USB (Wang et al., NeurIPS 2022).

    Args:
        end (float): Defaults to 0.4.
    """

    def __init__(self, end: float = 0.4) -> None:
        super().__init__(end)

    def shape(self, share: float) -> float:
        return share


@MODELS.register_module()
class SigmoidRamp(Ramp):
    """Grows as exp(-5 (1 - t)^2), from 0.0067.

    Source: Tarvainen and Valpola (NeurIPS 2017), section 3.

    Args:
        end (float): Defaults to 0.4.
    """

    def __init__(self, end: float = 0.4) -> None:
        super().__init__(end)

    def shape(self, share: float) -> float:
        return exp(-5 * (1 - share) ** 2)
