"""Learning rates that fall from the head to the embedding."""
from typing import List, Optional

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from psp_plugin.errors import InputError


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayConstructor(DefaultOptimWrapperConstructor):
    """Scales the rate of layer i of the encoder by decay^(layers - 1 - i).

    The encoder tells its layers (``get_layer_depth``), so that codes and
    embedding are the first, with the smallest rate; all that is not the
    encoder has the full rate. Biases and all other parameters of one axis
    have no weight decay. Frozen parameters are left out. ::

        optim_wrapper = dict(
            optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.05),
            constructor='LayerDecayConstructor',
            paramwise_cfg=dict(layer_decay=0.8))

    Source: BEiT, as MAE, MAMP and HA-CM fine-tune. The toolbox's
    ``LearningRateDecayOptimizerConstructor`` does so for MViT and ViT, refuses
    models with a batch norm, and would take codes for the head. Departs from
    them in nothing.

    ``paramwise_cfg`` takes ``layer_decay`` alone, in (0, 1]; 1 (the default)
    leaves the rates alike.

    Raises:
        InputError: If ``paramwise_cfg`` has another key or value, if the
            optimiser is given no ``lr`` or ``weight_decay``, or if the
            encoder does not tell its layers.
    """

    def __init__(self, optim_wrapper_cfg: dict,
                 paramwise_cfg: Optional[dict] = None) -> None:
        # Without any, the base class would take all parameters for one group.
        super().__init__(optim_wrapper_cfg,
                         paramwise_cfg or dict(layer_decay=1.))

    def add_params(self, params: List[dict], module: nn.Module,
                   **kwargs) -> None:
        """Adds the groups of parameters.

        Args:
            params (list[dict]): The groups, changed in place.
            module (nn.Module): The model.
        """
        rate = self.paramwise_cfg.get('layer_decay', 1.)
        if set(self.paramwise_cfg) - {'layer_decay'} or not 0 < rate <= 1:
            raise InputError(
                'paramwise_cfg of LayerDecayConstructor takes layer_decay in '
                f'(0, 1] alone, not {self.paramwise_cfg}')
        if None in (self.base_lr, self.base_wd):
            raise InputError('LayerDecayConstructor scales lr and '
                             'weight_decay: give optimizer both')
        layer_of = getattr(module.backbone, 'get_layer_depth', None)
        if layer_of is None:
            raise InputError(
                f'the encoder {type(module.backbone).__name__} has no '
                'get_layer_depth, which LayerDecayConstructor asks: leave the '
                'constructor out')
        groups = {}
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            scale = 1.
            if name.startswith('backbone.'):
                layer, count = layer_of(name[len('backbone.'):])
                scale = rate**(count - 1 - layer)
            weight_decay = self.base_wd if parameter.dim() > 1 else 0.
            group = groups.setdefault((scale, weight_decay), dict(
                params=[], lr=scale * self.base_lr,
                weight_decay=weight_decay))
            group['params'].append(parameter)
        params.extend(groups.values())
