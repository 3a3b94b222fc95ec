"""Writes recognizers as ONNX files, each checked before it is written."""
import importlib.util
from pathlib import Path
from typing import List

import torch
from mmaction.models.recognizers import BaseRecognizer
from mmengine.utils import digit_version

from .compare import Comparison, compare
from .scores import ExportError, short, trace

PACKAGES = ('onnx', 'onnxruntime', 'onnxscript')
MIN_TORCH = '2.8.0'


def export_onnx(model: BaseRecognizer,
                path: str,
                example_inputs: torch.Tensor,
                tolerance: float = 1e-4) -> List[Comparison]:
    """Writes a recognizer as an ONNX file, once it is seen to be the same.

    The graph has one input ``inputs`` (batch, num_clips, M, T, V, C), float32
    as the test pipeline gives it, and the outputs ``scores`` and ``logits``
    of :meth:`ClassScores.forward`. It is compared with PyTorch in other batch
    sizes than the traced one. The errors of scores may be up to ``tolerance``
    and those of logits a hundredth of their spread: the scores alone hide
    errors where they are all alike, as those of an untrained or of a very
    sure model are.

    Args:
        model (BaseRecognizer): The recognizer; it stays as it is.
        path (str): The file to write.
        example_inputs (Tensor): (B, num_clips, M, T, V, C), of which only the
            last four sizes matter.
        tolerance (float): Largest error of a score. Defaults to 1e-4.

    Returns:
        list[Comparison]: One for each batch size that was compared.

    Raises:
        ImportError: If a package is missing or PyTorch is too old.
        ExportError: If the model cannot be exported or its ONNX form is not
            the same; no file is written then.
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
            # Names of the axes; the program settles which are free.
            dynamic_shapes=({0: 'batch', 1: 'num_clips'}, ))
    except RuntimeError as error:  # the class of all errors of torch.onnx
        raise ExportError(f'{name} has no ONNX form: {short(error)}'
                          ) from error
    proto = exported.model_proto  # a new one each time
    forget_origins(proto.graph)
    graph = proto.SerializeToString()
    comparisons = compare(model, graph, tuple(example_inputs.shape[2:]))
    for c in comparisons:
        if not (c.error <= tolerance and c.logit_error <= 0.01):  # or a NaN
            raise ExportError(
                f'the ONNX form of {name} is wrong, nothing was written: on '
                f'{c.samples} samples of {c.clips} clips a score differs from '
                f'that of PyTorch by {c.error:.1e}, and a logit by '
                f'{c.logit_error:.1e} of the spread of the logits')
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(graph)
    return comparisons


def forget_origins(graph) -> None:
    """Takes from all nodes where they come from, by paths of this disk.

    Args:
        graph (onnx.GraphProto): The graph, which is changed.
    """
    for node in graph.node:
        node.ClearField('metadata_props')
        for attribute in node.attribute:
            if attribute.HasField('g'):
                forget_origins(attribute.g)


def require_packages() -> None:
    """Says what to install where the export lacks something.

    Raises:
        ImportError: If a package is missing or PyTorch is too old.
    """
    missing = [p for p in PACKAGES if importlib.util.find_spec(p) is None]
    if missing:
        raise ImportError(
            f'the ONNX export needs {" and ".join(missing)}, which this '
            f'Python lacks: run `pip install {" ".join(missing)}`')
    if digit_version(torch.__version__) < digit_version(MIN_TORCH):
        raise ImportError(f'the ONNX export needs PyTorch {MIN_TORCH} or '
                          f'newer, not {torch.__version__}')
