"""Initialisation of weights that leaves biases as they are."""
from mmengine.model import BaseInit
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn


@WEIGHT_INITIALIZERS.register_module(name='KaimingWeight')
class KaimingWeightInit(BaseInit):
    """Draws weights from Kaiming's normal distribution, for ReLU.

    MMEngine's ``Kaiming`` sets biases to 0 as well; here they stay as PyTorch
    has drawn them, from U(-b, b) with b the inverse root of the fan in.

    Source: the convolutions of the released implementations of DSTA-Net and
    PSP Learning.

    Args:
        mode (str): ``'fan_in'`` or ``'fan_out'``. Defaults to ``'fan_out'``.
        layer (str or list[str], optional): Names of the layers' classes.
            Defaults to None.
    """

    def __init__(self, mode: str = 'fan_out', **kwargs) -> None:
        super().__init__(**kwargs)
        self.mode = mode

    def __call__(self, module: nn.Module) -> None:
        """Initialises all layers of the named classes in a module.

        Args:
            module (Module): The module.
        """
        for layer in module.modules():
            if type(layer).__name__ in self.layer:
                nn.init.kaiming_normal_(layer.weight, mode=self.mode)

    def _get_init_info(self) -> str:
        return f'{type(self).__name__}: mode={self.mode}'
