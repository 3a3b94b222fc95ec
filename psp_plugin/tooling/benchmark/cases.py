"""What is timed: a model with a batch of its size, in one of several modes."""
from contextlib import contextmanager
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from psp_plugin.commands.run_checks import find_dicts
from psp_plugin.errors import InputError
from psp_plugin.models import HACMPretrainer, PSPRecognizer
from psp_plugin.models.backbones.transformer_block import SelfAttention


class Mode(NamedTuple):
    """How a step is computed.

    Args:
        reference: By the plain path, see
            :class:`.reference.ReferencePath`; on a GPU
            without cuDNN.
        channels_last: With ``DSTANet(channels_last=True)``.
        bf16: Under bfloat16 autocast.
        tf32: With TF32 matrix products and convolutions, on a GPU. Without,
            there are none: PyTorch has those of convolutions on by default.
        compile: With the encoder compiled, as ``CompileHook`` does.
        fused: With PyTorch's fused attention (True) or without (False), in
            encoder and decoder of pre-training. Defaults to None: as the
            config has it.
    """
    reference: bool = False
    channels_last: bool = False
    bf16: bool = False
    tf32: bool = False
    compile: bool = False
    fused: Optional[bool] = None

    def apply(self, model: torch.nn.Module) -> None:
        """Sets the switches that the parts of a model have.

        Args:
            model (nn.Module): Changed in place.

        Raises:
            InputError: If the model lacks one.
        """
        attention = [part for part in model.modules()
                     if isinstance(part, SelfAttention)]
        if attention and (self.channels_last or self.compile):
            raise InputError('pre-training has no channels-last, and '
                             'CompileHook does not reach its encoder: leave '
                             'their modes out of --modes')
        if self.fused is not None:
            if not attention:
                raise InputError('plain and fused attention are for '
                                 'pre-training alone: leave them out of '
                                 '--modes')
            for part in attention:
                part.fused = self.fused
        if not attention:
            model.backbone.channels_last = self.channels_last
        if self.compile:  # as CompileHook does
            model.backbone.compile(fullgraph=True)

    @contextmanager
    def flags(self) -> Iterator[None]:
        """Sets what PyTorch has as global switches, and sets it back."""
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
    'bf16-channels-last': Mode(bf16=True, channels_last=True),
    'compile': Mode(compile=True),
    'compile-bf16': Mode(bf16=True, channels_last=True, compile=True),
    'plain': Mode(fused=False),
    'fused': Mode(fused=True),
    'bf16-plain': Mode(bf16=True, fused=False),
    'bf16-fused': Mode(bf16=True, fused=True),
}


class Case(NamedTuple):
    """A model and a batch for it.

    Args:
        model: The model, on its device, in training mode.
        inputs: Clips per branch, (B, 1, M, T, V, 2C); for pre-training those
            of ``unlabeled``, of C coordinates.
        samples: Their data samples; none for pre-training.
        optim_wrapper: Config of the optimiser.
    """
    model: Union[PSPRecognizer, HACMPretrainer]
    inputs: Dict[str, torch.Tensor]
    samples: Dict[str, List[ActionDataSample]]
    optim_wrapper: dict

    @property
    def clips(self) -> int:
        """Clips in a batch, of both branches."""
        return sum(map(len, self.inputs.values()))

    @property
    def pretraining(self) -> bool:
        """Whether it is masked pre-training."""
        return isinstance(self.model, HACMPretrainer)


def make_case(cfg: Config, device: torch.device, batch: Dict[str, int] = {},
              absent: float = 0., seed: int = 0) -> Case:
    """Builds the model of a config, and a batch of random skeletons.

    Args:
        cfg (Config): Config of a ``PSPRecognizer`` or ``HACMPretrainer``.
        device (torch.device): Where to compute.
        batch (dict[str, int]): Clips of the branches ``labeled`` and
            ``unlabeled``. Defaults to the batch sizes of the config.
        absent (float): Share of persons other than the first that are absent.
            Defaults to 0.
        seed (int): Seed of weights and skeletons. Defaults to 0.

    Raises:
        InputError: If the config is none of a ``PSPRecognizer`` with
            ``DSTANet`` or of a ``HACMPretrainer``, if a branch is given that
            it does not have, or if ``absent`` is no share.
    """
    kind = (cfg.get('model') or {}).get('type')
    if kind != 'HACMPretrainer' and (kind != 'PSPRecognizer' or
                                     cfg.model.backbone.type != 'DSTANet'):
        raise InputError(f'{cfg.filename} has the model {kind}; a '
                         'PSPRecognizer with DSTANet or a HACMPretrainer is '
                         'what is timed')
    if not 0 <= absent <= 1:
        raise InputError(f'the share of absent persons is {absent}, not one '
                         'from 0 to 1')
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
    """Data samples of all classes in turn."""
    return [ActionDataSample().set_gt_label(torch.tensor(
        [i % classes], device=device)) for i in range(count)]


def batch_sizes(cfg: Config, model: torch.nn.Module) -> Dict[str, int]:
    """Clips of a step, per branch."""
    size = cfg.train_dataloader.batch_size
    if isinstance(model, HACMPretrainer):
        return dict(unlabeled=size)
    if model.with_neck:
        return dict(labeled=size, unlabeled=unlabeled_loader(cfg).batch_size)
    return dict(labeled=size)


def unlabeled_loader(cfg: Config) -> dict:
    """The config of the unlabelled loader.

    Raises:
        InputError: If there is no ``InterleaveHook``.
    """
    for hook in cfg.get('custom_hooks') or []:
        if hook.type == 'InterleaveHook':
            return hook.unlabeled_dataloader
    raise InputError('custom_hooks has no InterleaveHook, which has the '
                     'unlabelled loader')


def clip_shape(cfg: Config, model: torch.nn.Module) -> Tuple[int, ...]:
    """(M, T, V, 2C) of a clip, from the train pipeline and the encoder.

    Pre-training takes C coordinates, and resizes clips to the frames of its
    encoder.
    """
    backbone = model.backbone
    pretraining = isinstance(model, HACMPretrainer)
    found = dict(clip_len=backbone.num_frames) if pretraining else {}
    for _, part in find_dicts(cfg.train_dataloader):
        for key in ('clip_len', 'num_person'):
            if part.get(key) is not None:
                found.setdefault(key, part[key])
    if len(found) < 2:
        raise InputError('the train pipeline names no clip_len or no '
                         'num_person, which the size of a batch is taken from')
    return (found['num_person'], found['clip_len'], backbone.num_joints,
            backbone.in_channels * (1 if pretraining else 2))
