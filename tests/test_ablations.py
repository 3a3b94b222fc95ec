"""The baselines of the paper: which parts of PSP they use, and a step."""
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner
from toy import CONFIGS, small_config, write_ntu

from psp_plugin.models.recognizers.two_stream import Streams
from psp_plugin.skeletons import LEVELS

# Section 4.5: the contrasted levels, and whether PPA is used.
BASELINES = {
    'a1_supervised': ((), False),
    'a2_without_ppa': (LEVELS, False),
    'a3_with_ppa': (LEVELS, True),
    'b1_no_contrast': ((), False),
    'b2_joint': (('joint', ), True),
    'b3_part': (('part', ), True),
    'b4_body': (('body', ), True),
    'b5_joint_part': (('joint', 'part'), True),
    'b6_joint_body': (('joint', 'body'), True),
    'b7_part_body': (('part', 'body'), True),
    'b8_joint_part_body': (LEVELS, True),
}
DATA = {'ntu60_xsub_5p': 25, 'nwucla_xview_5p': 20}
EACH = pytest.mark.parametrize('data, baseline', [
    (data, baseline) for data in DATA for baseline in BASELINES])
# Baselines with two names in the paper, and the one that is PSP.
SAME = {'b1_no_contrast': 'ablations/{}_a1_supervised.py',
        'b8_joint_part_body': 'psp_{}.py', 'a3_with_ppa': 'psp_{}.py'}


@pytest.fixture(scope='module')
def ann_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    return {data: write_ntu(folder / f'{joints}.pkl', joints=joints)
            for data, joints in DATA.items()}


def test_every_baseline_has_a_config():
    assert {path.stem for path in (CONFIGS / 'ablations').glob('*.py')} == {
        f'{data}_{baseline}' for data in DATA for baseline in BASELINES}


@EACH
def test_train_step_contrasts_its_levels(data, baseline, ann_files, tmp_path):
    levels, attention = BASELINES[baseline]
    cfg = small_config(f'ablations/{data}_{baseline}.py', ann_files[data],
                       tmp_path, epochs=1)
    cfg.train_dataloader.num_batch_per_epoch = 1
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    logged = runner.message_hub.log_scalars
    assert {key for key in logged if 'loss_con' in key} == {
        f'train/loss_con_{level}' for level in levels}
    neck = getattr(runner.model, 'neck', None)
    assert hasattr(neck, 'levels') is attention


@pytest.mark.parametrize('data, baseline', [
    (data, baseline) for data in DATA
    for baseline, (levels, attention) in BASELINES.items() if attention])
def test_a_dropped_level_has_no_influence(data, baseline):
    """The paper drops the branch: both its attention and its contrast."""
    levels, _ = BASELINES[baseline]
    cfg = Config.fromfile(str(CONFIGS / f'ablations/{data}_{baseline}.py'))
    cfg.model.backbone.blocks = [(8, 8, 2, 2)]
    for part in ('neck', 'projector', 'cls_head'):
        cfg.model[part].in_channels = 8
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    features = Streams(*torch.randn(2, 3, 1, 8, 4, DATA[data]))
    before = model.contrast(features)
    assert set(before) == {f'loss_con_{level}' for level in levels}
    finer = {'body': ('body', 'part', 'joint'), 'part': ('part', 'joint'),
             'joint': ('joint', )}
    for level in LEVELS:
        saved = {k: x.clone() for k, x in model.state_dict().items()}
        torch.nn.init.normal_(model.neck.levels[level].query_key_value.weight)
        after = model.contrast(features)
        changed = {key for key in before if before[key] != after[key]}
        # A level that is kept is aggregated into the finer ones.
        assert changed == {f'loss_con_{k}' for k in finer[level]
                           if k in levels and level in levels}
        model.load_state_dict(saved)


@pytest.mark.parametrize('data', DATA)
@pytest.mark.parametrize('baseline', SAME)
def test_second_names_are_the_same_experiment(data, baseline):
    first, second = (Config.fromfile(str(CONFIGS / name)).to_dict()
                     for name in (f'ablations/{data}_{baseline}.py',
                                  SAME[baseline].format(data)))
    assert first == second


@EACH
def test_only_the_model_differs_from_psp(data, baseline):
    ours, psp = (Config.fromfile(str(CONFIGS / name)).to_dict() for name in (
        f'ablations/{data}_{baseline}.py', f'psp_{data}.py'))
    ignored = {'model', 'custom_hooks', 'find_unused_parameters'}
    for key in {*ours, *psp} - ignored:
        assert ours[key] == psp[key], key
    assert ours['model']['backbone'] == psp['model']['backbone']
    assert bool(ours['custom_hooks']) is bool(BASELINES[baseline][0])
