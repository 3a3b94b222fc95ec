"""Ways to compute the scores of prepared clips."""
import copy
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import numpy as np
import torch
from mmaction.models.recognizers import BaseRecognizer
from mmengine.dataset import pseudo_collate

from psp_plugin.tooling.faster import make_faster
from psp_plugin.tooling.onnx_scores import OnnxScores
from psp_plugin.tooling.visualization import scores_of

Way = Callable[[List[Dict[str, Any]]], np.ndarray]
# Clips that show the range of values to the quantization.
CALIBRATED = 32


def make_ways(model: BaseRecognizer, inputs: List[Dict[str, Any]],
              device: torch.device) -> Dict[str, Way]:
    """Returns the ways that are compared, testing first.

    Args:
        model (BaseRecognizer): The model, which is not changed.
        inputs (list[dict]): Prepared clips; the int8 graph is calibrated on
            some of them, so its agreement is flattering.
        device (torch.device): Where the model is.

    Returns:
        dict: ``test``, as ``tools/test.py``; ``torch``, as
        ``SkeletonInferencer``; ``torch-bf16``, under autocast; and on a CPU
        ``onnx``, as ``SkeletonInferencer(runtime='onnx')``, and
        ``onnx-int8``, with convolutions and matrix products of constants in
        8 bits.
    """
    faster = copy.deepcopy(model)
    make_faster(faster, device)
    ways = {'test': in_torch(model), 'torch': in_torch(faster),
            'torch-bf16': in_torch(faster, torch.bfloat16)}
    if device.type == 'cpu':
        step = max(1, len(inputs) // CALIBRATED)
        clips = [each['inputs'] for each in inputs[::step]]
        ways.update({'onnx': in_onnx(OnnxScores(faster)),
                     'onnx-int8': in_onnx(Int8Scores(faster, clips))})
    return ways


def in_torch(model: BaseRecognizer,
             dtype: Optional[torch.dtype] = None) -> Way:
    """Returns the scores of a model, under autocast to a type if given."""
    device = next(model.parameters()).device.type

    def scores(inputs: List[Dict[str, Any]]) -> np.ndarray:
        with torch.no_grad(), torch.autocast(device, dtype,
                                             enabled=dtype is not None):
            return np.stack(scores_of(
                model.test_step(pseudo_collate(inputs))))
    return scores


def in_onnx(compute: OnnxScores) -> Way:
    """Returns the scores of ONNX Runtime."""
    return lambda inputs: np.stack(
        compute([each['inputs'] for each in inputs]))


class Int8Scores(OnnxScores):
    """Scores of a quantized graph: 8-bit weights and activations.

    Args:
        model (BaseRecognizer): The recognizer, in evaluation mode.
        clips (list[Tensor]): Prepared clips to calibrate on.
    """

    def __init__(self, model: BaseRecognizer,
                 clips: List[torch.Tensor]) -> None:
        super().__init__(model)
        self.clips = clips

    def graph(self, clip: torch.Tensor) -> bytes:
        """Returns the serialized graph for clips of this shape."""
        # Not imported with the package, as onnxruntime is optional.
        from onnxruntime.quantization import CalibrationDataReader, quantize
        from onnxruntime.quantization.quantize import StaticQuantConfig
        from onnxruntime.quantization.shape_inference import quant_pre_process

        class Clips(CalibrationDataReader):
            def __init__(self, clips: List[torch.Tensor]) -> None:
                self.clips: Iterator[torch.Tensor] = iter(clips)

            def get_next(self) -> Optional[Dict[str, np.ndarray]]:
                for each in self.clips:
                    return dict(inputs=each[None].float().numpy())
                return None

        with tempfile.TemporaryDirectory() as folder:
            path, prepared, result = (
                str(Path(folder, name)) for name in ('a', 'b', 'c'))
            Path(path).write_bytes(super().graph(clip))
            quant_pre_process(path, prepared, skip_symbolic_shape=True)
            quantize(prepared, result, StaticQuantConfig(
                Clips(self.clips), op_types_to_quantize=['Conv', 'MatMul',
                                                         'Gemm'],
                per_channel=True))
            return Path(result).read_bytes()
