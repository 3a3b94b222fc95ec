"""tools/convert_official_checkpoint.py."""
from pathlib import Path

import pytest
import torch
from forked import run_forked
from mmengine.config import Config
from official import logits, random_state
from reference import relative
from toy import CONFIGS, load_tool

from psp_plugin.commands.loading import load_model

ROOT = Path(__file__).resolve().parents[2]
CONFIG = CONFIGS / 'official/psp_ntu60_xsub_10p.py'


@pytest.fixture(scope='module')
def state():
    return random_state(seed=2)


def convert(*args):
    load_tool('convert_official_checkpoint').main([str(x) for x in args])


@pytest.mark.parametrize('form', ['state', 'model', 'module', 'both'])
@torch.no_grad()
def test_converted_checkpoint_scores_as_the_official_one(
        state, tmp_path, capsys, form):
    content = state
    if form in ('module', 'both'):
        content = {f'module.{key}': x for key, x in state.items()}
    if form in ('model', 'both'):
        content = dict(model=content, optimizer=dict(state={}, lr=0.01))
    torch.save(content, tmp_path / 'official.pth')
    convert(tmp_path / 'official.pth', tmp_path / 'ours/psp.pth')
    checkpoint = torch.load(tmp_path / 'ours/psp.pth', weights_only=True)
    assert set(checkpoint) == {'state_dict', 'meta'}
    assert checkpoint['meta']['source'] == 'official.pth'
    count = len(checkpoint['state_dict'])
    assert f'{count} tensors written to ' in capsys.readouterr().out
    model, _ = load_model(Config.fromfile(str(CONFIG)),
                          str(tmp_path / 'ours/psp.pth'), torch.device('cpu'))
    model.load_state_dict(checkpoint['state_dict'], strict=True)
    joint, motion = torch.randn(2, 1, 3, 16, 25, 2)
    # The codes of all 50 frames are the same, so one is enough.
    short = {key: x[:, :, :1] if key.endswith('.pe') else x
             for key, x in state.items()}
    ours = model(torch.cat([joint, motion], 1).permute(0, 4, 2, 3, 1)[:, None],
                 stage='head')
    assert relative(ours, logits(short, (joint, motion))) < 1e-4


def test_errors_are_one_sentence_and_write_nothing(state, tmp_path):
    broken = dict(state)
    del broken['mlp.2.weight']
    torch.save(broken, tmp_path / 'official.pth')
    done = run_forked(ROOT / 'tools/convert_official_checkpoint.py',
                      'official.pth', 'psp.pth', cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "official.pth does not fit the model: key 'mlp.2.weight' is missing, "
        'which the model needs for projector.mlp.2.weight.')
    assert [path.name for path in tmp_path.iterdir()] == ['official.pth']


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path('ran'), )


@pytest.mark.parametrize('content, message', [
    (None, 'official.pth does not exist'),
    (b'', 'cannot be read as a checkpoint'),
    (b'PK\3\4 of no archive', 'cannot be read as a checkpoint'),
    ([torch.zeros(1)], 'is not a state dict'),
    (dict(model=Evil()), 'contains more than weights and plain data'),
    (dict(model={}), 'is not a state dict'),
    ({0: torch.zeros(1)}, 'is not a state dict'),
    (dict(epoch=3), "key 'input_map.0.weight' is missing"),
])
def test_other_files_raise(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    if isinstance(content, bytes):
        Path('official.pth').write_bytes(content)
    elif content is not None:
        torch.save(content, 'official.pth')
    with pytest.raises(SystemExit, match=message):
        convert('official.pth', 'psp.pth')
    assert not Path('psp.pth').exists() and not Path('ran').exists()


def test_config_of_another_size_raises(tmp_path, capsys):
    blocks = [(8, 8, 2, 2), (8, 16, 4, 2)]
    cfg = Config.fromfile(str(CONFIG))
    cfg.model.backbone.blocks = blocks
    for part in ('neck', 'projector', 'cls_head'):
        cfg.model[part].in_channels = 16
    cfg.dump(str(tmp_path / 'small.py'))
    torch.save(random_state(blocks=blocks), tmp_path / 'official.pth')
    convert(tmp_path / 'official.pth', tmp_path / 'psp.pth', '--config',
            tmp_path / 'small.py')
    assert (tmp_path / 'psp.pth').is_file()
    with pytest.raises(SystemExit, match='^none.py: No such file'):
        convert(tmp_path / 'official.pth', 'x.pth', '--config', 'none.py')
