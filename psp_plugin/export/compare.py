"""Whether an ONNX graph computes what its model does."""
from typing import List, NamedTuple, Tuple

import numpy as np
import torch
from mmaction.models.recognizers import BaseRecognizer

from .scores import ClassScores, ExportError, short

CHECKED = ((1, 1), (3, 1), (5, 2))  # samples and clips of the comparisons


class Comparison(NamedTuple):
    """ONNX Runtime against PyTorch on one batch.

    Args:
        samples: Number of samples B.
        clips: Number of clips of each.
        error: Largest absolute error of a score.
        logit_error: Largest error of a logit, as a share of how far apart the
            logits of different clips are.
    """
    samples: int
    clips: int
    error: float
    logit_error: float


def compare(model: BaseRecognizer, graph: bytes,
            clip_shape: Tuple[int, ...]) -> List[Comparison]:
    """Compares an ONNX graph with its model on synthetic clips.

    They are random poses that tremble: to white noise a trained model gives
    one and the same answer, which a wrong graph may well give too.

    Args:
        model (BaseRecognizer): The recognizer.
        graph (bytes): The ONNX form of its :class:`ClassScores`.
        clip_shape (tuple[int, ...]): (M, T, V, C).

    Returns:
        list[Comparison]: One for each of several batch sizes.

    Raises:
        ExportError: If ONNX Runtime fails on one of them.
    """
    rng, (m, t, v, c) = np.random.default_rng(0), clip_shape
    reference, results = ClassScores(model), []
    for sizes in CHECKED:
        pose = rng.normal(0, 0.5, (*sizes, m, 1, v, c))
        inputs = pose + rng.normal(0, 0.05, (*sizes, m, t, v, c))
        inputs = inputs.astype(np.float32)
        inputs[1::2, :, 1:] = 0  # as the toolbox pads clips of one person
        with torch.no_grad():
            expected = [x.numpy() for x in reference(torch.from_numpy(inputs))]
        found = _run(graph, inputs)
        if [x.shape for x in found] != [x.shape for x in expected]:
            raise ExportError(
                f'ONNX Runtime gives shapes {[x.shape for x in found]}, where '
                f'PyTorch gives {[x.shape for x in expected]}')
        results.append((sizes, found, expected))
    logits = np.concatenate([
        expected[1].reshape(-1, expected[1].shape[-1])
        for _, _, expected in results
    ])
    # Of a model that gives all clips the same, the rounding is no error.
    spread = max(np.ptp(logits, axis=0).max(), np.abs(logits).max() / 1000,
                 np.finfo(np.float32).tiny)
    return [
        Comparison(*sizes, float(np.abs(found[0] - expected[0]).max()),
                   float(np.abs(found[1] - expected[1]).max() / spread))
        for sizes, found, expected in results
    ]


def _run(graph: bytes, inputs: np.ndarray) -> List[np.ndarray]:
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its messages come with its exceptions
    try:
        session = onnxruntime.InferenceSession(
            graph, options, providers=['CPUExecutionProvider'])
        return session.run(None, dict(inputs=inputs))
    except Exception as error:  # its errors have no class in common
        raise ExportError(
            f'ONNX Runtime fails on {inputs.shape[0]} samples of '
            f'{inputs.shape[1]} clips: {short(error)}') from error
