"""Initialisation of weights that does not change biases."""
from typing import List, Union

from mmengine.model import BaseInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn


@WEIGHT_INITIALIZERS.register_module(name='KaimingWeight')
class KaimingWeightInit(BaseInit):
    """Kaiming normal initialisation of weights, for ReLU.

    MMEngine's ``Kaiming`` also sets biases to 0; here they keep PyTorch's
    default, U(-b, b) with b the inverse root of the fan in.

    Source: the convolutions of the released implementations of DSTA-Net and
    PSP Learning. No departures.

    Args:
        layer (str or list[str]): Class names of the layers, or of their base
            classes.
        mode (str): ``'fan_in'`` or ``'fan_out'``. Defaults to ``'fan_out'``.
    """

    def __init__(self, layer: Union[str, List[str]],
                 mode: str = 'fan_out') -> None:
        super().__init__(layer=layer)
        self.mode = mode

    def __call__(self, module: nn.Module) -> None:
        """Initialises all layers of the named classes in a module.

        Args:
            module (Module): The module.
        """
        for layer in module.modules():
            names = {kind.__name__ for kind in type(layer).__mro__}
            if names.intersection(self.layer):
                nn.init.kaiming_normal_(layer.weight, mode=self.mode)
        if hasattr(module, '_params_init_info'):  # for MMEngine's log
            update_init_info(module, init_info=self._get_init_info())

    def _get_init_info(self) -> str:
        return f'{type(self).__name__}: mode={self.mode}, biases kept'
