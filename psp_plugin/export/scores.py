"""A recognizer as a function of tensors, and its trace.

Axes: B sample, M person, T frame, V joint, C channel.
"""
import copy
import textwrap
from typing import Tuple

import torch
from mmaction.models.recognizers import BaseRecognizer
from torch import nn

# Samples and clips of the traced input, of which neither may be 1: PyTorch
# takes an axis of that length for a constant.
TRACED = (2, 3)


class ExportError(RuntimeError):
    """Why a model cannot be exported, in one sentence for the user."""


class ClassScores(nn.Module):
    """What a recognizer predicts, as tensors instead of data samples.

    Args:
        recognizer (BaseRecognizer): A recognizer with a classification head,
            whose own methods do all the work. A copy of it is kept, on the
            CPU and in evaluation mode.
    """

    def __init__(self, recognizer: BaseRecognizer) -> None:
        super().__init__()
        self.recognizer = copy.deepcopy(recognizer).cpu().eval()

    def forward(self, inputs: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """Computes the scores, averaged over clips as the head has it.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, C), as the test pipeline
                gives it.

        Returns:
            tuple[Tensor, Tensor]: Scores (B, num_classes): probabilities
            averaged over clips with the head's ``average_clips='prob'`` (the
            default), logits averaged over clips with ``'score'``; with None
            those of all clips. And the logits of all clips,
            (B, num_clips, num_classes).
        """
        logits, _ = self.recognizer.extract_feat(inputs, stage='head')
        scores = self.recognizer.cls_head.average_clip(
            logits, num_segs=inputs.size(1))
        return scores, logits.unflatten(0, inputs.shape[:2])


def trace(model: BaseRecognizer,
          example_inputs: torch.Tensor) -> torch.export.ExportedProgram:
    """Traces the :class:`ClassScores` of a model, samples and clips free.

    Args:
        model (BaseRecognizer): The recognizer; it stays as it is.
        example_inputs (Tensor): (B, num_clips, M, T, V, C); the last four
            sizes become fixed.

    Returns:
        ExportedProgram: As :func:`torch.export.export` makes it.

    Raises:
        ExportError: If the model does not take such inputs or cannot be
            traced.
    """
    if example_inputs.dim() != 6:
        raise ExportError('example_inputs must be (B, num_clips, M, T, V, C), '
                          f'not of shape {tuple(example_inputs.shape)}')
    scores, name = ClassScores(model), type(model).__name__
    example = example_inputs[:1, :1].detach().cpu().float()
    try:
        with torch.no_grad():
            scores(example)
    except (ValueError, RuntimeError) as error:
        raise ExportError(
            f'{name} does not take inputs of shape {tuple(example.shape)}: '
            f'{short(error)}') from error
    axes = {0: torch.export.Dim('batch'), 1: torch.export.Dim('num_clips')}
    try:
        return torch.export.export(
            scores, (example.repeat(*TRACED, 1, 1, 1, 1), ),
            dynamic_shapes=(axes, ))
    except RuntimeError as error:  # the class of all errors of torch.export
        raise ExportError(f'{name} cannot be traced with any number of '
                          f'samples and clips: {short(error)}') from error


def short(error: Exception) -> str:
    """The beginning of a library's message, on one line."""
    return textwrap.shorten(str(error), 200, placeholder=' ...')
