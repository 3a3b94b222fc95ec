"""Scores of a model from ONNX Runtime instead of PyTorch."""
import logging
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import torch
from mmaction.models.recognizers import BaseRecognizer

from .export import make_graph, open_session, require_packages


class OnnxScores:
    """Computes the scores of a recognizer with ONNX Runtime, on the CPU.

    The graph is made of the model itself, at the first clip, and compared
    with it, see :func:`export_onnx`; clips of another shape get their own.
    It runs one sampled clip after the other and averages their scores, which
    is faster than batches: the features of a clip stay in the cache.

    Args:
        model (BaseRecognizer): The recognizer, in evaluation mode.

    Raises:
        ImportError: If a package is missing or PyTorch is too old.
        ValueError: If the model has no classifier, or does not average its
            scores over sampled clips.
    """

    def __init__(self, model: BaseRecognizer) -> None:
        require_packages()
        if not model.with_cls_head:
            raise ValueError(f'{type(model).__name__} has no classifier, whose'
                             ' scores ONNX Runtime could compute')
        if model.cls_head.average_clips is None:
            raise ValueError('ONNX Runtime needs the scores of the sampled '
                             'clips to be averaged: set '
                             "model.cls_head.average_clips to 'prob'")
        self.model = model
        self.sessions: Dict[Tuple[int, ...], Any] = {}

    def __call__(self, clips: Sequence[torch.Tensor]) -> List[np.ndarray]:
        """Computes scores.

        Args:
            clips (Sequence[Tensor]): (num_clips, M, T, V, C) each, as the
                test pipeline returns it.

        Returns:
            list[np.ndarray]: (num_classes,) each, float32.

        Raises:
            ExportError: If the model cannot be exported or its ONNX graph
                differs from PyTorch.
        """
        return [np.mean([
            self.session(clip).run(
                ['scores'], dict(inputs=one[None, None].float().numpy()))[0][0]
            for one in clip], 0) for clip in clips]

    def session(self, clip: torch.Tensor) -> Any:
        """Returns the session for clips of this shape."""
        shape = tuple(clip.shape[1:])
        if shape not in self.sessions:
            self.sessions[shape] = open_session(
                self.graph(clip), torch.get_num_threads())
        return self.sessions[shape]

    def graph(self, clip: torch.Tensor) -> bytes:
        """Returns the serialized graph for clips of this shape."""
        # torch.onnx warns about operators of torchvision.
        logging.getLogger('torch.onnx').setLevel(logging.ERROR)
        graph, _ = make_graph(self.model, clip[None])
        return graph
