"""Weights of the released implementation, at full size."""
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from official import logits, random_state
from reference import clips, read, relative
from toy import CONFIGS

from psp_plugin.errors import InputError
from psp_plugin.tooling.official import from_official, to_official

CONFIG = CONFIGS / 'official/psp_ntu60_xsub_10p.py'
CONSTANTS = ('.pe', '.atts')


@pytest.fixture(scope='module')
def model():
    return MODELS.build(Config.fromfile(str(CONFIG)).model).eval()


@pytest.fixture(scope='module')
def state():
    return random_state()


def test_full_size_state_is_loaded_strictly_and_converted_back(model, state):
    converted = from_official(state, model)
    assert set(converted) == set(model.state_dict())
    model.load_state_dict(converted, strict=True)
    back = to_official(model.state_dict())
    assert set(back) == {k for k in state if not k.endswith(CONSTANTS)}
    for key, x in back.items():
        assert torch.equal(x, state[key]), key


@torch.no_grad()
def test_full_size_logits_are_those_of_the_official_network(model, state):
    model.load_state_dict(from_official(state, model), strict=True)
    generator = torch.Generator().manual_seed(1)
    joint, motion = torch.randn(2, 1, 3, 50, 25, 2, generator=generator)
    theirs = logits(state, (joint, motion))
    ours = model(torch.cat([joint, motion], 1).permute(0, 4, 2, 3, 1)[:, None],
                 stage='head')
    assert theirs.std() > 0.1  # classes differ
    assert relative(ours, theirs) < 1e-4


@torch.no_grad()
def test_official_network_equals_the_reference_numbers():
    """The network in the test above equals the released one."""
    arrays = read('official_psp')
    state = {key[len('state/'):]: x for key, x in arrays.items()
             if key.startswith('state/')}
    theirs = logits(state, (arrays['in/labeled_joint'],
                            arrays['in/labeled_motion']),
                    [[8, 8, 4, 1], [8, 16, 4, 2], [16, 16, 4, 1]])
    assert clips(arrays, 'labeled').shape[-1] == 6
    assert relative(theirs, arrays['out/logits']) < 1e-4


def test_data_parallel_prefix_is_removed(model, state):
    prefixed = {f'module.{key}': x for key, x in state.items()}
    plain = from_official(state, model)
    for key, x in from_official(prefixed, model).items():
        assert torch.equal(x, plain[key])


def changed(state, **changes):
    """The state with keys removed (None) or set; `__` for a dot."""
    state = dict(state)
    for key, x in changes.items():
        key = key.replace('__', '.')
        state.pop(key, None)
        if x is not None:
            state[key] = x
    return state


@pytest.mark.parametrize('change, message', [
    (dict(graph_layers__3__in_nets__bias=None),
     "'graph_layers.3.in_nets.bias' is missing.*attention.query_key.bias"),
    (dict(att_pb__ff_nets__1__running_var=None),
     "'att_pb.ff_nets.1.running_var' is missing"),
    (dict(graph_layers__8__in_nets__bias=torch.zeros(1)),
     "'graph_layers.8.in_nets.bias' is unexpected"),
    (dict(graph_layers__8__atts=torch.zeros(1, 4, 25, 25)),
     "'graph_layers.8.atts' is unexpected"),
    (dict(graph_layers__0__attt=torch.zeros(1, 4, 50, 50)),
     "'graph_layers.0.attt' is unexpected"),
    (dict(fc__weight=torch.zeros(120, 256)),
     r"'fc.weight' has shape \(120, 256\), not the \(60, 256\)"),
    (dict(graph_layers__2__alphas=torch.zeros(4, 1, 1)),
     r"'graph_layers.2.alphas' has shape \(4, 1, 1\), not the \(1, 4, 1, 1\)"),
    (dict(fc__bias=3), "'fc.bias' is a int, not a tensor"),
    (dict(graph_layers__1__atts=torch.ones(1, 4, 25, 25)),
     "'graph_layers.1.atts' has other values"),
    (dict(graph_layers__1__pes__pe=torch.zeros(1, 64, 50, 25)),
     "'graph_layers.1.pes.pe' has other values"),
    (dict(graph_layers__1__pes__pe=torch.zeros(1, 64, 50, 20)),
     r"'graph_layers.1.pes.pe' has shape \(1, 64, 50, 20\)"),
])
def test_mismatches_raise(model, state, change, message):
    with pytest.raises(InputError, match=message):
        from_official(changed(state, **change), model)


@pytest.mark.parametrize('key', CONSTANTS)
def test_constants_may_be_absent(model, state, key):
    few = {name: x for name, x in state.items() if not name.endswith(key)}
    assert len(few) == len(state) - 8
    assert set(from_official(few, model)) == set(model.state_dict())


def test_weights_of_other_encoders_have_no_official_name():
    model = MODELS.build(dict(
        type='PSPRecognizer',
        backbone=dict(type='STGCN', graph_cfg=dict(
            layout='nturgb+d', mode='stgcn_spatial')),
        cls_head=dict(type='TwoStreamHead', num_classes=2, in_channels=256)))
    with pytest.raises(InputError, match='its encoder is DSTANet'):
        from_official({}, model)


# The row "official" of the paper against the released implementation.
def test_config_has_the_released_settings():
    cfg = Config.fromfile(str(CONFIG))
    hook, labeled = cfg.custom_hooks[0], cfg.train_dataloader
    neck, split = cfg.model.neck, labeled.dataset.dataset
    assert (neck.scale, neck.body_from) == ('full', 'joint')
    assert (neck.body_to_part, neck.part_to_joint,
            neck.body_to_joint) == (0.2, 0.12, 0.24)
    assert cfg.model.loss_con == dict(
        type='CoarseToFineContrastiveLoss', temperature=0.07, loss_weight=0.2)
    assert (labeled.batch_size, hook.unlabeled_dataloader.batch_size) == (9,
                                                                          90)
    assert (split.labeled_ratio, split.include_labeled) == (0.1, True)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.weight_decay) == (0.01, 4e-4)
    assert cfg.train_cfg.max_iters == 120 * 500
    *warm_up, decay = cfg.param_scheduler  # test_official_preparation.py
    assert len(warm_up) == 4
    assert decay.milestones == [60 * 500, 90 * 500]
    for loader in (split, cfg.val_dataloader, cfg.test_dataloader):
        normalize, _, sampler, *_ = loader.dataset.pipeline
        assert normalize == dict(
            type='NormalizeSkeleton3D', center=0, zaxis=(0, 20),
            xaxis=(5, 20), unit_bone=(0, 20), hold_spine=True, main='spread',
            frames_of='any')
        sampler = sampler.get('transforms', [sampler])[0]
        assert sampler.type == 'RandomSamplePose' and sampler.clip_len == 50
