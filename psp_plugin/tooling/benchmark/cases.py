"""What is timed: a model with a batch, in one of several modes."""
from contextlib import contextmanager
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from psp_plugin.configs import find_dicts
from psp_plugin.errors import InputError
from psp_plugin.models import HACMPretrainer, PSPRecognizer
from psp_plugin.models.backbones.transformer_block import SelfAttention


class Mode(NamedTuple):
    """How a step is computed.

    Args:
        reference: Whether to use :class:`.reference.ReferencePath`; on a GPU
            without cuDNN.
        channels_last: ``channels_last`` of ``DSTANet``. Defaults to None:
            under autocast.
        bf16: Whether to use bfloat16 autocast.
        tf32: Whether to use TF32 in matrix products and convolutions, on a
            GPU. If False, it is off in both; PyTorch's default is on for
            convolutions.
        compile: Whether to compile the encoder, as ``CompileHook`` does.
        fused: Whether encoder and decoder of pre-training use PyTorch's fused
            attention. Defaults to None: as configured.
    """
    reference: bool = False
    channels_last: Optional[bool] = None
    bf16: bool = False
    tf32: bool = False
    compile: bool = False
    fused: Optional[bool] = None

    def apply(self, model: torch.nn.Module) -> None:
        """Configures the modules of a model.

        Args:
            model (nn.Module): Changed in place.

        Raises:
            InputError: If the mode does not apply to the model.
        """
        attention = [part for part in model.modules()
                     if isinstance(part, SelfAttention)]
        if attention and (self.channels_last or self.compile):
            raise InputError('pre-training has no channels-last, and '
                             'CompileHook does not reach its encoder: leave '
                             'their modes out of --modes')
        if self.fused is not None:
            if not attention:
                raise InputError('plain and fused attention are only for '
                                 'pre-training: leave them out of --modes')
            for part in attention:
                part.fused = self.fused
        if not attention:
            model.backbone.channels_last = self.channels_last
        if self.compile:  # as CompileHook does
            model.backbone.compile(fullgraph=True)

    @contextmanager
    def flags(self) -> Iterator[None]:
        """Sets PyTorch's global flags within the context."""
        matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
        before = matmul.allow_tf32
        matmul.allow_tf32 = self.tf32
        try:
            with cudnn.flags(enabled=not self.reference,
                             allow_tf32=self.tf32):
                yield
        finally:
            matmul.allow_tf32 = before


MODES = {
    'reference': Mode(reference=True),
    'fp32': Mode(),
    'channels-last': Mode(channels_last=True),
    'tf32': Mode(tf32=True),
    'bf16': Mode(bf16=True),
    'bf16-channels-first': Mode(bf16=True, channels_last=False),
    'compile': Mode(compile=True),
    'compile-bf16': Mode(bf16=True, compile=True),
    'plain': Mode(fused=False),
    'fused': Mode(fused=True),
    'bf16-plain': Mode(bf16=True, fused=False),
    'bf16-fused': Mode(bf16=True, fused=True),
}


class Case(NamedTuple):
    """A model and a batch for it.

    Args:
        model: The model, on its device, in training mode.
        inputs: Clips per branch, (B, 1, M, T, V, 2C); for pre-training only
            of the branch ``unlabeled``, (B, 1, M, T, V, C).
        samples: Their data samples; empty for pre-training.
        optim_wrapper: Config of the optimiser wrapper.
    """
    model: Union[PSPRecognizer, HACMPretrainer]
    inputs: Dict[str, torch.Tensor]
    samples: Dict[str, List[ActionDataSample]]
    optim_wrapper: dict

    @property
    def clips(self) -> int:
        """Number of clips in a batch, over all branches."""
        return sum(map(len, self.inputs.values()))

    @property
    def pretraining(self) -> bool:
        """Whether the model is one of masked pre-training."""
        return isinstance(self.model, HACMPretrainer)


def make_case(cfg: Config, device: torch.device, batch: Dict[str, int] = {},
              absent: float = 0., seed: int = 0) -> Case:
    """Builds the model of a config and a batch of random skeletons.

    Args:
        cfg (Config): Config of a ``PSPRecognizer`` or ``HACMPretrainer``.
        device (torch.device): The device.
        batch (dict[str, int]): Clips of the branches ``labeled`` and
            ``unlabeled``. Defaults to the batch sizes of the config.
        absent (float): Share of absent persons among all but the first, in
            [0, 1]. Defaults to 0.
        seed (int): Seed of weights and skeletons. Defaults to 0.

    Raises:
        InputError: If the model is neither a ``PSPRecognizer`` with
            ``DSTANet`` nor a ``HACMPretrainer``, if ``batch`` names a branch
            that it does not have, or if ``absent`` is out of range.
    """
    kind = (cfg.get('model') or {}).get('type')
    if kind != 'HACMPretrainer' and (kind != 'PSPRecognizer' or
                                     cfg.model.backbone.type != 'DSTANet'):
        raise InputError(f'{cfg.filename} has the model {kind}: use a config '
                         'with a PSPRecognizer with DSTANet or a '
                         'HACMPretrainer')
    if not 0 <= absent <= 1:
        raise InputError('the share of absent persons must be from 0 to 1, '
                         f'not {absent}')
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    model.init_weights()
    sizes = batch_sizes(cfg, model)
    if 'unlabeled' in batch and 'unlabeled' not in sizes:
        raise InputError('the model has no contrast, thus no unlabelled clips')
    if 'labeled' in batch and 'labeled' not in sizes:
        raise InputError('pre-training has no labelled clips, all are '
                         'unlabelled')
    sizes.update(batch)
    shape = clip_shape(cfg, model)
    inputs = {}
    for branch, size in sizes.items():
        clips = torch.randn(size, 1, *shape)
        clips[:, :, 1:] *= (torch.rand(size, 1, shape[0] - 1, 1, 1, 1) >=
                            absent)
        inputs[branch] = clips.to(device)
    samples = {}
    if model.with_cls_head:
        classes = model.cls_head.num_classes
        samples = {branch: labeled_samples(size, classes, device)
                   for branch, size in sizes.items()}
    return Case(model.to(device).train(), inputs, samples, cfg.optim_wrapper)


def labeled_samples(count: int, classes: int,
                    device: torch.device) -> List[ActionDataSample]:
    """Returns data samples with the classes in turn."""
    return [ActionDataSample().set_gt_label(torch.tensor(
        [i % classes], device=device)) for i in range(count)]


def batch_sizes(cfg: Config, model: torch.nn.Module) -> Dict[str, int]:
    """Returns the number of clips in a step, per branch."""
    size = cfg.train_dataloader.batch_size
    if isinstance(model, HACMPretrainer):
        return dict(unlabeled=size)
    if model.with_neck:
        return dict(labeled=size, unlabeled=unlabeled_loader(cfg).batch_size)
    return dict(labeled=size)


def unlabeled_loader(cfg: Config) -> dict:
    """Returns the config of the unlabelled loader.

    Raises:
        InputError: If there is no ``InterleaveHook``.
    """
    for hook in cfg.get('custom_hooks') or []:
        if hook.type == 'InterleaveHook':
            return hook.unlabeled_dataloader
    raise InputError('custom_hooks has no InterleaveHook, which configures '
                     'the unlabelled loader')


def clip_shape(cfg: Config, model: torch.nn.Module) -> Tuple[int, ...]:
    """Returns the shape (M, T, V, 2C) of a clip.

    M and T are those of the train pipeline, V and C those of the encoder. For
    pre-training, T is that of the encoder and the last axis is C.

    Raises:
        InputError: If the train pipeline has no ``clip_len`` or
            ``num_person``.
    """
    backbone = model.backbone
    pretraining = isinstance(model, HACMPretrainer)
    found = dict(clip_len=backbone.num_frames) if pretraining else {}
    for _, part in find_dicts(cfg.train_dataloader):
        for key in ('clip_len', 'num_person'):
            if part.get(key) is not None:
                found.setdefault(key, part[key])
    if len(found) < 2:
        raise InputError('the train pipeline has no clip_len or no '
                         'num_person, which determine the size of a batch')
    return (found['num_person'], found['clip_len'], backbone.num_joints,
            backbone.in_channels * (1 if pretraining else 2))
