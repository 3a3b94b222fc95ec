"""Devices and checkpoints: accepted ones, and errors for others."""
import pickle

import pytest
import torch
from tiny import tiny_config, write_checkpoint

from psp_plugin.commands.loading import choose_device, load_model

CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    cfg = tiny_config()
    folder = tmp_path_factory.mktemp('model')
    return cfg, write_checkpoint(cfg, folder / 'tiny.pth')


def test_default_device_is_cuda_if_available():
    expected = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    assert choose_device() == torch.device(expected)
    assert choose_device('cpu') == CPU


@pytest.mark.parametrize('device', ['gpu', 'cuda:99', 'meta', 'cpu:x'])
def test_invalid_device_raises_one_sentence(device):
    with pytest.raises(ValueError) as error:
        choose_device(device)
    message = str(error.value)
    assert message.startswith(f'device {device!r} cannot be used: ')
    assert '\n' not in message


def test_model_has_the_weights_and_is_in_eval_mode(trained):
    cfg, path = trained
    model, meta = load_model(cfg, path, CPU)
    state = torch.load(path)['state_dict']
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert not model.training
    assert meta['dataset_meta']['classes'][0] == 'wave'


def test_unexpected_weights_are_ignored(trained):
    """A classifier does not need the neck used in training."""
    _, path = trained
    cfg = tiny_config('supervised_synthetic_5p.py')
    model, _ = load_model(cfg, path, CPU)
    state = torch.load(path)['state_dict']
    assert not model.with_neck and any('neck' in name for name in state)
    assert torch.equal(model.cls_head.fc.weight, state['cls_head.fc.weight'])


def test_bare_state_dict_is_accepted(trained, tmp_path):
    cfg, path = trained
    torch.save(torch.load(path)['state_dict'], tmp_path / 'plain.pth')
    _, meta = load_model(cfg, str(tmp_path / 'plain.pth'), CPU)
    assert meta == {}


def test_missing_weights_raise(trained, tmp_path):
    cfg, path = trained
    content = torch.load(path)
    del content['state_dict']['neck.levels.body.query_key_value.bias']
    torch.save(content, tmp_path / 'less.pth')
    with pytest.raises(ValueError, match=r'1 of \d+ weights are missing .* '
                                         "'neck.levels.body"):
        load_model(cfg, str(tmp_path / 'less.pth'), CPU)


def test_weights_of_another_shape_raise(trained):
    _, path = trained
    cfg = tiny_config(**{'model.cls_head.num_classes': 12})
    with pytest.raises(ValueError, match="2 of .* such as 'cls_head.fc"):
        load_model(cfg, path, CPU)


class Evil:
    def __reduce__(self):
        return exec, ('raise SystemExit("code was run")', )


@pytest.mark.parametrize('write, message', [
    (lambda path: path.write_bytes(b''), 'another format'),
    (lambda path: path.write_text('a log'), 'another format'),
    (lambda path: path.write_bytes(pickle.dumps(Evil())), 'another format'),
    (lambda path: torch.save(Evil(), path), 'another format'),
    (lambda path: torch.save([1], path), 'it contains a list, not a dict'),
    (lambda path: None, 'does not exist'),
    (lambda path: path.mkdir(), 'does not exist'),
])
def test_other_files_raise_one_sentence(trained, tmp_path, write,
                                               message):
    path = tmp_path / 'x.pth'
    write(path)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as e:
        load_model(trained[0], str(path), CPU)
    assert 'x.pth' in str(e.value) and '\n' not in str(e.value)
