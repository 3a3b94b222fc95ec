"""Exports a recognizer to ONNX and compares the graph with PyTorch.

Axes: B sample, M person, T frame, V joint, C channel.
"""
import copy
import importlib.util
import textwrap
from pathlib import Path
from typing import List, NamedTuple, Tuple

import numpy as np
import torch
from mmaction.models.recognizers import BaseRecognizer
from mmengine.utils import digit_version
from torch import nn

# Samples and clips of the traced input. Neither may be 1: torch.export
# specializes an axis of length 1.
TRACED = (2, 3)
CHECKED = ((1, 1), (3, 1), (5, 2))  # (samples, clips) of each comparison
PACKAGES = ('onnx', 'onnxruntime', 'onnxscript')
MIN_TORCH = '2.8.0'


class ExportError(RuntimeError):
    """Raised if a model cannot be exported."""


class ClassScores(nn.Module):
    """Wraps a recognizer to return scores as tensors, not as data samples.

    Args:
        recognizer (BaseRecognizer): A recognizer with a classification head.
            It is copied; the copy is on the CPU and in evaluation mode.
    """

    def __init__(self, recognizer: BaseRecognizer) -> None:
        super().__init__()
        self.recognizer = copy.deepcopy(recognizer).cpu().eval()

    def forward(self, inputs: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """Computes the scores, averaged over clips by the head.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, C), as the test pipeline
                returns it.

        Returns:
            tuple[Tensor, Tensor]: Scores (B, num_classes): probabilities
            averaged over clips if ``average_clips`` of the head is
            ``'prob'`` (the default), logits averaged over clips if it is
            ``'score'``, the logits of all clips if it is None. And the logits
            of all clips, (B, num_clips, num_classes).
        """
        logits, _ = self.recognizer.extract_feat(inputs, stage='head')
        scores = self.recognizer.cls_head.average_clip(
            logits, num_segs=inputs.size(1))
        return scores, logits.unflatten(0, inputs.shape[:2])


class Comparison(NamedTuple):
    """Difference between ONNX Runtime and PyTorch on one batch.

    Args:
        samples: Number of samples B.
        clips: Number of clips of each sample.
        error: Largest absolute error of a score.
        logit_error: Largest absolute error of a logit, divided by the spread
            of the logits over clips.
    """
    samples: int
    clips: int
    error: float
    logit_error: float


def export_onnx(model: BaseRecognizer,
                path: str,
                example_inputs: torch.Tensor,
                tolerance: float = 1e-4) -> List[Comparison]:
    """Exports a recognizer to ONNX, verifies the graph and writes it.

    The graph has one input ``inputs`` (batch, num_clips, M, T, V, C), float32
    as the test pipeline returns it, and the outputs ``scores`` and ``logits``
    of :meth:`ClassScores.forward`. It is compared with PyTorch at batch sizes
    other than the traced one. Errors of scores may be up to ``tolerance``,
    those of logits up to a hundredth of their spread: scores that are nearly
    the same for all clips, as of an untrained or a very confident model, hide
    errors.

    Args:
        model (BaseRecognizer): The recognizer; it is not changed.
        path (str): The file to write.
        example_inputs (Tensor): (B, num_clips, M, T, V, C); only the last
            four sizes are used.
        tolerance (float): Largest allowed error of a score. Defaults to
            1e-4.

    Returns:
        list[Comparison]: One per batch size.

    Raises:
        ImportError: If a package is missing or PyTorch is too old.
        ExportError: If the model cannot be exported or its ONNX graph
            differs from PyTorch; then no file is written.
    """
    graph, comparisons = make_graph(model, example_inputs, tolerance)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(graph)
    return comparisons


def make_graph(model: BaseRecognizer,
               example_inputs: torch.Tensor,
               tolerance: float = 1e-4) -> Tuple[bytes, List[Comparison]]:
    """Makes the graph of :func:`export_onnx` and verifies it.

    Args:
        model, example_inputs, tolerance: See :func:`export_onnx`.

    Returns:
        tuple: The serialized graph, and a comparison per batch size.

    Raises:
        ImportError: If a package is missing or PyTorch is too old.
        ExportError: If the model cannot be exported or its ONNX graph
            differs from PyTorch.
    """
    require_packages()
    program, name = trace(model, example_inputs), type(model).__name__
    try:
        exported = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=['inputs'],
            output_names=['scores', 'logits'],
            # Only names: the program determines which axes are dynamic.
            dynamic_shapes=({0: 'batch', 1: 'num_clips'}, ))
    except RuntimeError as error:  # base class of the errors of torch.onnx
        raise ExportError(f'{name} cannot be converted to ONNX: '
                          f'{short(error)}') from error
    proto = exported.model_proto  # a new one at every access
    strip_metadata(proto.graph)
    graph = proto.SerializeToString()
    comparisons = compare(model, graph, tuple(example_inputs.shape[2:]))
    for c in comparisons:
        if not (c.error <= tolerance and c.logit_error <= 0.01):  # or a NaN
            raise ExportError(
                f'the ONNX graph of {name} is wrong, nothing was written: on '
                f'{c.samples} samples of {c.clips} clips a score differs from '
                f'that of PyTorch by {c.error:.1e}, and a logit by '
                f'{c.logit_error:.1e} of the spread of the logits')
    return graph, comparisons


def require_packages() -> None:
    """Checks that the packages of the export are installed.

    Raises:
        ImportError: If a package is missing or PyTorch is too old.
    """
    missing = [p for p in PACKAGES if importlib.util.find_spec(p) is None]
    if missing:
        raise ImportError(
            f'the ONNX export needs {" and ".join(missing)}, which is not '
            f'installed: run `pip install {" ".join(missing)}`')
    if digit_version(torch.__version__) < digit_version(MIN_TORCH):
        raise ImportError(f'the ONNX export needs PyTorch {MIN_TORCH} or '
                          f'newer, not {torch.__version__}')


def trace(model: BaseRecognizer,
          example_inputs: torch.Tensor) -> torch.export.ExportedProgram:
    """Traces :class:`ClassScores` with dynamic numbers of samples and clips.

    Args:
        model (BaseRecognizer): The recognizer; it is not changed.
        example_inputs (Tensor): (B, num_clips, M, T, V, C); the last four
            sizes become fixed.

    Returns:
        ExportedProgram: The result of :func:`torch.export.export`.

    Raises:
        ExportError: If the model does not accept inputs of this shape or
            cannot be traced.
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
            f'{name} does not accept inputs of shape {tuple(example.shape)}: '
            f'{short(error)}') from error
    axes = {0: torch.export.Dim('batch'), 1: torch.export.Dim('num_clips')}
    try:
        return torch.export.export(
            scores, (example.repeat(*TRACED, 1, 1, 1, 1), ),
            dynamic_shapes=(axes, ))
    except RuntimeError as error:  # base class of the errors of torch.export
        raise ExportError(f'{name} cannot be traced with any number of '
                          f'samples and clips: {short(error)}') from error


def strip_metadata(graph) -> None:
    """Removes the metadata of all nodes, which contains local file paths.

    Args:
        graph (onnx.GraphProto): The graph, changed in place.
    """
    for node in graph.node:
        node.ClearField('metadata_props')
        for attribute in node.attribute:
            if attribute.HasField('g'):
                strip_metadata(attribute.g)


def compare(model: BaseRecognizer, graph: bytes,
            clip_shape: Tuple[int, ...]) -> List[Comparison]:
    """Compares an ONNX graph with its model on synthetic clips.

    The clips are random poses with jitter: a trained model predicts the same
    scores for any white noise, which would hide errors of the graph.

    Args:
        model (BaseRecognizer): The recognizer.
        graph (bytes): The serialized ONNX graph of its :class:`ClassScores`.
        clip_shape (tuple[int, ...]): (M, T, V, C).

    Returns:
        list[Comparison]: One per batch size.

    Raises:
        ExportError: If ONNX Runtime fails or returns other shapes.
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
                f'ONNX Runtime returns shapes {[x.shape for x in found]}, '
                f'but PyTorch {[x.shape for x in expected]}')
        results.append((sizes, found, expected))
    logits = np.concatenate([
        expected[1].reshape(-1, expected[1].shape[-1])
        for _, _, expected in results
    ])
    # If all clips have the same logits, rounding is not an error.
    spread = max(np.ptp(logits, axis=0).max(), np.abs(logits).max() / 1000,
                 np.finfo(np.float32).tiny)
    return [
        Comparison(*sizes, float(np.abs(found[0] - expected[0]).max()),
                   float(np.abs(found[1] - expected[1]).max() / spread))
        for sizes, found, expected in results
    ]


def _run(graph: bytes, inputs: np.ndarray) -> List[np.ndarray]:
    try:
        return open_session(graph).run(None, dict(inputs=inputs))
    except Exception as error:  # its errors have no common base class
        raise ExportError(
            f'ONNX Runtime fails on {inputs.shape[0]} samples of '
            f'{inputs.shape[1]} clips: {short(error)}') from error


def open_session(graph: bytes, threads: int = 0):
    """Opens a graph in ONNX Runtime on the CPU.

    Args:
        graph (bytes): The serialized graph.
        threads (int): Number of threads. Defaults to 0: that of the cores.

    Returns:
        onnxruntime.InferenceSession: The session.
    """
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its exceptions contain the messages
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        graph, options, providers=['CPUExecutionProvider'])


def short(error: Exception) -> str:
    """Shortens a library's error message to one line."""
    return textwrap.shorten(str(error), 200, placeholder=' ...')
