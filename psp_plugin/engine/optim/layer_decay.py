"""Learning rates that decrease from the head to the embedding."""
from typing import List, Optional

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from psp_plugin.errors import InputError


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayConstructor(DefaultOptimWrapperConstructor):
    """Scales the learning rate of layer i by decay^(layers - 1 - i).

    The encoder's ``get_layer_depth`` defines its layers: the embeddings are
    the first, with the smallest rate; all modules outside the encoder have
    the full rate. Biases and all other one-dimensional parameters have no
    weight decay. Frozen parameters are left out. ::

        optim_wrapper = dict(
            optimizer=dict(type='AdamW', lr=3e-4, weight_decay=0.05),
            constructor='LayerDecayConstructor',
            paramwise_cfg=dict(layer_decay=0.8))

    Source: BEiT, as used for fine-tuning by MAE, MAMP and HA-CM. No
    departures. The toolbox's ``LearningRateDecayOptimizerConstructor`` does
    this for MViT and ViT, rejects models with a batch norm, and would treat
    this encoder's embeddings as part of the head.

    The only key of ``paramwise_cfg`` is ``layer_decay``, in (0, 1]; with 1,
    the default, all rates are the same.

    Raises:
        InputError: If ``paramwise_cfg`` has another key or value, if the
            optimiser has no ``lr`` or ``weight_decay``, or if the encoder has
            no ``get_layer_depth``.
    """

    def __init__(self, optim_wrapper_cfg: dict,
                 paramwise_cfg: Optional[dict] = None) -> None:
        # Without it, the base class would make one group of all parameters.
        super().__init__(optim_wrapper_cfg,
                         paramwise_cfg or dict(layer_decay=1.))

    def add_params(self, params: List[dict], module: nn.Module,
                   **kwargs) -> None:
        """Adds one parameter group per learning rate and weight decay.

        Args:
            params (list[dict]): The groups, changed in place.
            module (nn.Module): The model.
        """
        rate = self.paramwise_cfg.get('layer_decay', 1.)
        if set(self.paramwise_cfg) - {'layer_decay'} or not 0 < rate <= 1:
            raise InputError(
                'paramwise_cfg of LayerDecayConstructor must have only '
                f'layer_decay, in (0, 1], not {self.paramwise_cfg}')
        if None in (self.base_lr, self.base_wd):
            raise InputError('LayerDecayConstructor needs lr and '
                             'weight_decay: set both in optimizer')
        layer_of = getattr(module.backbone, 'get_layer_depth', None)
        if layer_of is None:
            raise InputError(
                f'the encoder {type(module.backbone).__name__} has no '
                'get_layer_depth, which LayerDecayConstructor needs: remove '
                'the constructor')
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
