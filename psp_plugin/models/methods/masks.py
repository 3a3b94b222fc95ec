"""Masks of pseudo-labels: the weight of every unlabelled clip.

Averages over batches are buffers and include all processes.

Shape legend: U unlabelled clip, K class.
"""
from numbers import Real
from typing import List

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.dist import all_reduce
from torch import nn

from psp_plugin.errors import InputError

Samples = List[ActionDataSample]


class Mask(nn.Module):
    """Base class: computes weights of clips from their class probabilities."""

    def attach(self, num_classes: int) -> None:
        """Builds the averages; the method calls it once.

        Args:
            num_classes (int): K.
        """

    def forward(self, probabilities: torch.Tensor,
                samples: Samples) -> torch.Tensor:
        """Updates the averages with the clips, then computes their weights.

        Args:
            probabilities (Tensor): (U, K), without gradients.
            samples (list): Their data samples.

        Returns:
            Tensor: (U, ) in [0, 1].
        """
        raise NotImplementedError


@MODELS.register_module()
class FixedThreshold(Mask):
    """Weight 1 if a clip's largest probability reaches a threshold, else 0.

    Source: FixMatch (arXiv 2001.07685), equation 4.

    Args:
        threshold (float): Tau, in [0, 1]. Defaults to 0.95.
    """

    def __init__(self, threshold: float = 0.95) -> None:
        super().__init__()
        self.threshold = checked_share(self, 'threshold', threshold)

    def forward(self, probabilities: torch.Tensor,
                samples: Samples) -> torch.Tensor:
        sure = probabilities.max(1).values >= self.threshold
        return sure.to(probabilities)


@MODELS.register_module()
class FlexMatchThreshold(Mask):
    """Thresholds per class, lower for classes with fewer confident clips.

    A clip belongs to the class that the model last predicted for it with a
    probability of at least ``threshold``. In the beginning no clip has a
    class: then all thresholds are 0 and every clip is used, by design. Clips
    that have not been in a batch yet are not counted.

    Source: FlexMatch (arXiv 2110.08263), algorithm 1, with the warm-up of the
    thresholds and the convex mapping x / (2 - x). Departures: clips of all
    processes are counted; clips that have not been in a batch yet are not
    counted as undecided, so that ``num_clips`` may be larger than their
    number; a clip that exactly reaches its threshold is used, as in the
    released code.

    Args:
        num_clips (int): At least the number of clips of the dataset, labelled
            ones included. The dataset must not be a ``ConcatDataset``, in
            which indices occur more than once. The pipeline must pack
            ``sample_idx`` (``meta_keys=('frame_dir', 'sample_idx')``).
        threshold (float): Tau, in [0, 1]. Defaults to 0.95.
    """

    def __init__(self, num_clips: int, threshold: float = 0.95) -> None:
        super().__init__()
        if num_clips < 1:
            raise InputError('num_clips of FlexMatchThreshold must be at '
                             f'least 1, not {num_clips!r}')
        self.threshold = checked_share(self, 'threshold', threshold)
        # The class of every clip. -1: no class yet; -2: in no batch yet.
        self.register_buffer('sure_of', torch.full((num_clips, ), -2))

    def forward(self, probabilities: torch.Tensor,
                samples: Samples) -> torch.Tensor:
        largest, classes = probabilities.max(1)
        clips = classes.new_tensor([index_of(x, len(self.sure_of))
                                    for x in samples])
        self._remember(clips, torch.full_like(classes, -1))
        counts = classes.new_zeros(2 + probabilities.size(1)).index_add(
            0, 2 + self.sure_of, torch.ones_like(self.sure_of))
        learnt = counts[2:] / counts[1:].max()  # max includes "no class yet"
        threshold = self.threshold * learnt / (2 - learnt)
        sure = largest >= self.threshold
        self._remember(clips[sure], classes[sure])
        return (largest >= threshold[classes]).to(probabilities)

    def _remember(self, clips: torch.Tensor, classes: torch.Tensor) -> None:
        """Stores the classes of the clips of all processes.

        A clip keeps its class until another is predicted with confidence.
        """
        found = torch.full_like(self.sure_of, -2)
        found[clips] = classes
        all_reduce(found, op='max')
        self.sure_of = torch.where(found >= 0, found,
                                   torch.maximum(found, self.sure_of))


@MODELS.register_module()
class FreeMatchThreshold(Mask):
    """Self-adaptive thresholds: the model's average confidence, per class.

    Source: FreeMatch (arXiv 2205.07246), equations 5 to 7 and the histogram
    of equation 10. No departures.

    Args:
        decay (float): Lambda of the averages, in [0, 1]. The published 0.999
            is meant for a million steps. Defaults to 0.999.
    """

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__()
        self.decay = checked_share(self, 'decay', decay)

    def attach(self, num_classes: int) -> None:
        uniform = torch.full((num_classes, ), 1 / num_classes)
        self.register_buffer('certainty', torch.tensor(1 / num_classes))
        self.register_buffer('prediction', uniform)
        self.register_buffer('histogram', uniform.clone())

    def forward(self, probabilities: torch.Tensor,
                samples: Samples) -> torch.Tensor:
        largest, classes = probabilities.max(1)
        hits = nn.functional.one_hot(classes, probabilities.size(1))
        for average, values in ((self.certainty, largest),  # Eq. 5
                                (self.prediction, probabilities),  # Eq. 6
                                (self.histogram, hits)):  # Eq. 10
            average.lerp_(mean_of_all(values).to(average), 1 - self.decay)
        share = self.prediction / self.prediction.max()
        threshold = share * self.certainty  # Eq. 7
        return (largest >= threshold[classes]).to(probabilities)


@MODELS.register_module()
class SoftMatchWeight(Mask):
    """Truncated Gaussian weight: lower for confidences below the mean.

    Source: SoftMatch (arXiv 2301.10921), the truncated Gaussian and uniform
    alignment: weights are computed from probabilities that are divided by the
    average prediction; the pseudo-labels are not aligned. As in the released
    code, the variance of a batch is the unbiased one (0 for a single clip),
    and the Gaussian is narrowed by ``num_sigmas``. Departs from it in the
    initial average prediction, which is uniform here and that of the first
    batch there.

    Args:
        decay (float): M of the averages, in [0, 1]. The published 0.999 is
            meant for a million steps. Defaults to 0.999.
        num_sigmas (float): Divisor of the standard deviation. Defaults to 2.
    """

    def __init__(self, decay: float = 0.999, num_sigmas: float = 2.) -> None:
        super().__init__()
        if not num_sigmas > 0:
            raise InputError('num_sigmas of SoftMatchWeight must be more than '
                             f'0, not {num_sigmas!r}')
        self.decay = checked_share(self, 'decay', decay)
        self.num_sigmas = num_sigmas

    def attach(self, num_classes: int) -> None:
        self.register_buffer('prediction',
                             torch.full((num_classes, ), 1 / num_classes))
        self.register_buffer('mean', torch.tensor(1 / num_classes))
        self.register_buffer('variance', torch.tensor(1.))

    def forward(self, probabilities: torch.Tensor,
                samples: Samples) -> torch.Tensor:
        prediction = mean_of_all(probabilities).to(self.prediction)
        self.prediction.lerp_(prediction, 1 - self.decay)
        # A class that is never predicted would be divided by 0.
        aligned = probabilities / self.prediction.clamp(min=1e-6)
        largest = (aligned / aligned.sum(1, keepdim=True)).max(1).values
        mean = mean_of_all(largest).to(largest)
        count = sum_of_all(torch.ones_like(largest))
        variance = sum_of_all((largest - mean).square()) / (
            count - 1).clamp(min=1)
        self.mean.lerp_(mean.to(self.mean), 1 - self.decay)
        self.variance.lerp_(variance.to(self.variance), 1 - self.decay)
        below = (largest - self.mean).clamp(max=0)
        deviation = self.variance.clamp(min=1e-12) / self.num_sigmas**2
        return (-below.square() / (2 * deviation)).exp()


def mean_of_all(values: torch.Tensor) -> torch.Tensor:
    """Computes the mean over the clips of all processes, in float64.

    Args:
        values (Tensor): (U, ...) of this process.
    """
    return sum_of_all(values) / sum_of_all(values.new_ones(len(values)))


def sum_of_all(values: torch.Tensor) -> torch.Tensor:
    """Computes the sum over the clips of all processes, in float64.

    Args:
        values (Tensor): (U, ...) of this process.
    """
    total = values.double().sum(0)
    all_reduce(total)
    return total


def index_of(sample: ActionDataSample, num_clips: int) -> int:
    """Returns the index of a clip in its dataset.

    Args:
        sample (ActionDataSample): The clip's data sample.
        num_clips (int): The largest number of clips.

    Raises:
        InputError: If the index is not packed, or not below ``num_clips``.
    """
    index = sample.get('sample_idx')
    if index is None:
        raise InputError(
            'FlexMatchThreshold needs the index of each clip: pack it with '
            "PackActionInputs(meta_keys=('frame_dir', 'sample_idx'))")
    if not 0 <= index < num_clips:
        raise InputError(
            f'FlexMatchThreshold was built for num_clips={num_clips}, but the '
            f'dataset has a clip of index {index}: set num_clips to the '
            'number of clips of the dataset')
    return index


def checked_share(module: nn.Module, name: str, value: float) -> float:
    """Returns an argument after checking that it is in [0, 1].

    Args:
        module (nn.Module): The module, named in the error.
        name (str): Name of the argument.
        value (float): The argument.

    Raises:
        InputError: If it is not in [0, 1].
    """
    if not isinstance(value, Real) or not 0 <= value <= 1:
        raise InputError(f'{name} of {type(module).__name__} must be in '
                         f'[0, 1], not {value!r}')
    return value
