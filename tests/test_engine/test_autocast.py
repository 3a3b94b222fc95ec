"""BFloat16OptimWrapper outside a training run."""
import pytest
import torch
from mmengine.logging import MMLogger

from psp_plugin.engine import BFloat16OptimWrapper


def steps(count):
    model = torch.nn.Linear(3, 2)
    wrapper = BFloat16OptimWrapper(torch.optim.SGD(model.parameters(), 0.1))
    for _ in range(count):
        with wrapper.optim_context(model):
            out = model(torch.ones(1, 3))
        wrapper.update_params(out.float().sum())
    return model, out


def test_weights_are_float32_and_outputs_bfloat16():
    model, out = steps(1)
    assert out.dtype == torch.bfloat16
    assert model.weight.dtype == torch.float32


@pytest.mark.parametrize('capability, count', [('AVX2', 1), ('AVX512', 0)])
def test_emulated_bfloat16_warns_once(
        capability, count, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability',
                        lambda: capability)
    log = tmp_path / 'log.txt'
    MMLogger.get_instance(f'bf16_{capability}', log_file=str(log))
    steps(3)
    assert log.read_text().count(
        'add --cfg-options optim_wrapper.type=OptimWrapper') == count
