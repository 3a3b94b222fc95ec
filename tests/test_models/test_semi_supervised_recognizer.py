"""The recognizer with a list of methods: one pass, losses, errors."""
import copy
import re

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from resumable_runs import assert_same
from torch.testing import assert_close
from unlabeled import (
    BACKBONE,
    CLASSES,
    HEAD,
    LABELED,
    UNLABELED,
    add_up,
    build,
    differentiate,
    draw_batch,
    samples,
    train,
)

from psp_plugin.errors import InputError
from psp_plugin.models import SemiSupervisedRecognizer
from psp_plugin.models.methods.base import UnlabeledMethod
from psp_plugin.models.recognizers.step import training_progress

CLS_LOSSES = {'loss_cls', 'top1_acc', 'top5_acc'}
CONTRAST = dict(
    neck=dict(type='PyramidPolymerizingAttention', in_channels=8,
              layout='nwucla', num_heads=2),
    projector=dict(type='PooledMLP', in_channels=8),
    loss_con=dict(type='CoarseToFineContrastiveLoss'))
ALL_COUNT = dict(type='FixedThreshold', threshold=0.)
FIXMATCH = dict(type='FixMatch', mask=ALL_COUNT)
ENTROPY = dict(type='EntropyMinimization')
METHODS = [
    FIXMATCH,
    dict(type='FixMatch', mask=dict(type='FlexMatchThreshold', num_clips=9)),
    dict(type='FixMatch', mask=dict(type='SoftMatchWeight')),
    dict(type='FreeMatch'), dict(type='PseudoLabel', mask=ALL_COUNT), ENTROPY,
    dict(type='MeanTeacher')]
EACH = pytest.mark.parametrize(
    'cfg', METHODS, ids=lambda cfg: '-'.join(
        str(x.get('type') if isinstance(x, dict) else x)
        for x in cfg.values()))


def watch(model):
    """Records the batch sizes of the encoder."""
    sizes = []
    model.backbone.register_forward_hook(
        lambda module, args, out: sizes.append(len(args[0])))
    return sizes


def as_loaded(batch):
    """Lists of clips, as from a loader."""
    def split(node):
        if isinstance(node, dict):
            return {key: split(value) for key, value in node.items()}
        return list(node)

    return dict(inputs=split(batch[0]), data_samples=batch[1])


# Without methods, or without weight

def test_without_methods_equals_psp_without_contrast():
    """Bit by bit: initial weights, losses, gradients, running statistics."""
    models = [build(), build(kind='PSPRecognizer')]
    assert_same(*(dict(model.state_dict()) for model in models))
    batch = draw_batch(views=())
    first, second = (differentiate(model, batch) for model in models)
    assert set(first[0]) == CLS_LOSSES
    assert_same(first, second)
    assert_same(*(dict(model.state_dict()) for model in models))
    plain = [model.eval().loss(batch[0]['labeled'], batch[1]['labeled'])
             for model in models]
    assert_same(*plain)


def numbers(model, steps=2):
    """Results of a training, except the method's own state."""
    start = {name: x.clone() for name, x in model.state_dict().items()}
    losses = train(model, steps)
    gradients = {name: x.grad for name, x in model.named_parameters()}
    return losses, *({name: x for name, x in values.items()
                      if not name.startswith('methods.')}
                     for values in (start, model.state_dict(), gradients))


@pytest.fixture(scope='module')
def supervised():
    return numbers(build('SupervisedOnly'))


@EACH
def test_without_weight_equals_supervised_only(cfg, supervised):
    """Bit by bit; the method's own state does not change."""
    model = build(dict(cfg, loss_weight=0.))
    before = copy.deepcopy(dict(model.methods.state_dict()))
    assert_same(numbers(model), supervised)
    assert_same(dict(model.methods.state_dict()), before)
    x = draw_batch()[0]['labeled']
    with torch.no_grad():
        assert_same(model.eval().extract_feat(x, 'head'),
                    (model.classifier().eval()(x), {}))


def test_supervised_only_ignores_unlabeled_clips(supervised):
    model = build('SupervisedOnly')
    sizes = watch(model)
    first, _ = differentiate(model, draw_batch())
    second, _ = differentiate(build('SupervisedOnly'), draw_batch(views=()))
    assert sizes == [2 * LABELED]
    assert_same(first, second)
    assert set(first) == CLS_LOSSES


@EACH
def test_initial_weights_equal_those_without_methods(cfg):
    """The same holds for random numbers after them."""
    plain = dict(build().state_dict()), torch.rand(3)
    model, then = build(cfg), torch.rand(3)
    assert_same(({name: x for name, x in model.state_dict().items()
                  if not name.startswith('methods.')}, then), plain)


# The common pass

@EACH
def test_losses_of_a_step(cfg):
    model = build(cfg)
    losses, gradients = differentiate(model, draw_batch())
    own = {name for name in losses if 'loss' in name} - {'loss_cls'}
    assert own and losses.keys() > CLS_LOSSES
    assert all(x.dim() == 0 and x.isfinite() for x in losses.values())
    assert all(x is not None and x.isfinite().all()
               for name, x in gradients.items()
               if not name.startswith('methods.'))


@EACH
def test_encoder_gets_one_batch(cfg):
    """The labelled clips and the views that the method encodes."""
    model = build(cfg)
    sizes = watch(model)
    model.loss(*draw_batch())
    method = model.methods[0]
    views = method.views if method.encoded is None else method.encoded
    assert sizes == [2 * (LABELED + len(views) * UNLABELED)]


def test_view_is_encoded_and_classified_once():
    """For any number of methods that use it, also with dropout."""
    model = build(FIXMATCH, ENTROPY, cls_head=dict(HEAD, dropout=0.5))
    sizes, outputs = watch(model), []
    model.cls_head.register_forward_hook(
        lambda module, args, out: outputs.append(out))
    losses = model.loss(*draw_batch())
    assert sizes == [2 * (LABELED + 2 * UNLABELED)]
    assert list(map(len, outputs)) == [LABELED, UNLABELED, UNLABELED]
    weak = outputs[1]
    entropy = -(weak.softmax(1) * weak.log_softmax(1)).sum(1).mean()
    assert_close(losses['loss_entropy'], 0.06 * entropy)
    assert_close(losses['loss_fixmatch'], torch.nn.functional.cross_entropy(
        outputs[2], weak.argmax(1)))


def test_losses_are_summed_in_a_train_step():
    """The preprocessor keeps nested views."""
    model = build(FIXMATCH, ENTROPY)
    sgd = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    expected = copy.deepcopy(model).loss(*draw_batch())
    logs = model.train_step(as_loaded(draw_batch()), sgd)
    names = {'loss_cls', 'loss_fixmatch', 'loss_entropy'}
    assert_close(logs['loss'], sum(logs[name] for name in names))
    assert_close({name: logs[name] for name in names},
                 {name: expected[name].detach() for name in names})


def test_nested_views_are_prepared_as_the_unlabeled_branch():
    prepare = MODELS.build(dict(
        type='MultiBranchPreprocessor',
        unlabeled=dict(type='ActionDataPreprocessor', mean=[1.], std=[2.],
                       format_shape='NCHW')))
    batch = {key: {'labeled': x, 'unlabeled': {'weak': x, 'half': y}}
             for key, x, y in (
                 ('inputs', [torch.zeros(1, 2, 3, 4, 5)] * 2,
                  [torch.ones(1, 2, 3, 4, 5)] * 2),
                 ('data_samples', samples(2, i=[0, 1]),
                  samples(2, i=[2, 3])))}
    out = prepare(batch)
    assert list(out) == ['inputs', 'data_samples']
    assert list(out['inputs']) == ['labeled', 'unlabeled']
    views = out['inputs']['unlabeled']
    assert list(views) == ['weak', 'half']
    assert out['inputs']['labeled'].unique() == 0
    assert views['weak'].unique() == -0.5 and views['half'].unique() == 0
    assert views['weak'].shape == (2, 1, 2, 3, 4, 5)
    assert [x.i for x in out['data_samples']['unlabeled']['half']] == [2, 3]
    assert len(batch['inputs']['unlabeled']['weak']) == 2  # as it was


def test_unlabeled_branch_without_views_is_the_weak_view():
    inputs, data_samples = draw_batch()
    losses = [build(ENTROPY).loss(*batch) for batch in (
        (inputs, data_samples),
        (dict(inputs, unlabeled=inputs['unlabeled']['weak']),
         dict(data_samples, unlabeled=data_samples['unlabeled']['weak'])))]
    assert_same(*losses)


def test_clips_of_a_sample_count_separately():
    """Encoder and loss treat each as a separate clip."""
    inputs, data_samples = draw_batch(views=('weak', ))
    clips = inputs['unlabeled']['weak']
    pairs = clips.unflatten(0, (2, 2)).flatten(1, 2)
    single = build(ENTROPY).loss(inputs, data_samples)
    double = build(ENTROPY).loss(
        dict(inputs, unlabeled=pairs),
        dict(data_samples, unlabeled=samples(2)))
    assert_same(single, double)


def test_samples_are_repeated_for_each_clip():
    """Also of labelled clips, and for a mask that needs clip indices."""
    inputs, data_samples = draw_batch(labeled=4)
    flexmatch = dict(type='FixMatch', mask=dict(
        type='FlexMatchThreshold', num_clips=4, threshold=0.3))
    unlabeled = samples(4, sample_idx=[0, 0, 1, 1],
                        revealed_label=[0, 0, 1, 1])
    for one, two in ((0, 1), (2, 3)):
        data_samples['labeled'][two] = data_samples['labeled'][one]
    model, other = build(flexmatch), build(flexmatch)
    single = model.loss(inputs, dict(data_samples, unlabeled=dict(
        weak=unlabeled, strong=unlabeled)))
    double = other.loss(
        dict(labeled=pair(inputs['labeled']), unlabeled={
            view: pair(x) for view, x in inputs['unlabeled'].items()}),
        dict(labeled=data_samples['labeled'][::2], unlabeled=dict(
            weak=unlabeled[::2], strong=unlabeled[::2])))
    assert_same(single, double)
    assert 'fixmatch_accuracy' in double


def pair(clips):
    """Joins pairs of clips into samples."""
    return clips.unflatten(0, (-1, 2)).flatten(1, 2)


@EACH
def test_bfloat16(cfg):
    model = build(cfg)
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(*draw_batch())
    assert all(x.dtype == torch.float32 for name, x in losses.items()
               if 'loss' in name)
    add_up(losses).backward()
    assert all(x.grad.isfinite().all() for x in model.parameters()
               if x.grad is not None)


@EACH
def test_float64(cfg):
    model = build(cfg).double()
    inputs, data_samples = draw_batch()
    inputs = dict(labeled=inputs['labeled'].double(), unlabeled={
        view: x.double() for view, x in inputs['unlabeled'].items()})
    assert add_up(model.loss(inputs, data_samples)).dtype == torch.float64


# Together with PSP Learning's contrast

def psp(*methods):
    return build(*methods, kind='PSPRecognizer', **CONTRAST)


def test_psp_and_fixmatch_share_a_pass():
    """The modules, called one by one, return the same losses."""
    model = psp(FIXMATCH)
    other, sizes, batch = copy.deepcopy(model), watch(model), draw_batch()
    losses = model.loss(*batch)
    assert sizes == [2 * (LABELED + 2 * UNLABELED)]
    clips = dict(labeled=batch[0]['labeled'], **batch[0]['unlabeled'])
    features = other.encode(clips)
    expected = other.contrast(features['weak'])
    assert set(expected) == {f'loss_con_{level}' for level in
                             ('body', 'part', 'joint')}
    logits = {view: other.cls_head(x) for view, x in features.items()}
    loss = torch.nn.functional.cross_entropy
    expected.update(
        loss_cls=loss(logits['labeled'], torch.arange(LABELED)),
        loss_fixmatch=loss(logits['strong'], logits['weak'].argmax(1)))
    assert_close({name: losses[name] for name in expected}, expected)
    assert {x for x in losses if 'loss' in x} == set(expected)


def test_psp_contrasts_the_weak_view_if_no_method_uses_it():
    model = psp(dict(type='MeanTeacher'))
    sizes = watch(model)
    losses = model.loss(*draw_batch())
    assert sizes == [2 * (LABELED + 2 * UNLABELED)]
    assert {'loss_con_body', 'loss_mean_teacher'} <= set(losses)


def test_psp_with_a_method_without_weight_equals_psp():
    """Bit by bit; the strong view is not used."""
    first, second = (psp(*methods) for methods in (
        [], [dict(FIXMATCH, loss_weight=0.)]))
    inputs, data_samples = draw_batch()
    single = (dict(inputs, unlabeled=inputs['unlabeled']['weak']),
              dict(data_samples, unlabeled=data_samples['unlabeled']['weak']))
    assert_same(differentiate(first, single),
                differentiate(second, (inputs, data_samples)))


def test_names_in_the_state_dict_of_psp():
    """Old checkpoints must load."""
    with_method, without = psp(FIXMATCH), psp()
    assert {name.split('.')[0] for name in without.state_dict()} == {
        'backbone', 'cls_head', 'neck', 'projector'}
    assert list(without.neck.state_dict(prefix='neck.')) == [
        name for name in without.state_dict() if name.startswith('neck.')]
    assert list(with_method.state_dict()) == list(without.state_dict())
    assert isinstance(without, SemiSupervisedRecognizer)


# Errors

def refused(*methods, kind='SemiSupervisedRecognizer', batch=None, **kwargs):
    model = build(*methods, kind=kind, **kwargs)
    with pytest.raises((InputError, ValueError)) as error:
        model.loss(*(batch or draw_batch()))
    return str(error.value)


def test_two_methods_with_the_same_loss_raise():
    assert refused(ENTROPY, ENTROPY) == (
        "two methods return 'loss_entropy': keep one of them")


def test_unused_neck_raises():
    with pytest.raises(InputError, match='uses no neck: remove it'):
        build(ENTROPY, neck=dict(type='PyramidPooling'))


@pytest.mark.parametrize('methods', [dict(type='VAT'), ['VAT'], 'VAT'])
def test_invalid_methods_raise(methods):
    with pytest.raises(InputError, match='methods must be a list of configs'):
        build(methods=methods)


def test_views_of_different_lengths_raise():
    inputs, data_samples = draw_batch()
    inputs['unlabeled']['strong'] = inputs['unlabeled']['strong'][:, :, :, 1:]
    assert refused(FIXMATCH, batch=(inputs, data_samples)).startswith(
        'the views differ in (persons, frames, joints, channels): labeled '
        '(1, 6, 20, 6), weak (1, 6, 20, 6), strong (1, 5, 20, 6); sample')


def test_view_named_labeled_raises():
    inputs, data_samples = draw_batch(views=('weak', 'labeled'))
    assert refused(ENTROPY, batch=(inputs, data_samples)).startswith(
        "a view of MultiView is named 'labeled'")


def test_missing_labeled_branch_raises():
    inputs, data_samples = draw_batch()
    inputs.pop('labeled')
    assert refused(FIXMATCH, batch=(inputs, data_samples)) == (
        "the batch has no labelled branch, but only ['strong', 'weak']")


@pytest.mark.parametrize('kind', ['FixMatch', 'MeanTeacher', 'FreeMatch'])
@pytest.mark.parametrize('plain', [False, True])
def test_missing_view_raises(kind, plain):
    inputs, data_samples = draw_batch(views=('weak', ))
    if plain:
        inputs['unlabeled'] = inputs['unlabeled']['weak']
    assert refused(kind, batch=(inputs, data_samples)) == (
        f"{kind} needs the view 'strong' of the unlabelled clips, but the "
        'batch has only weak: end the pipeline of the unlabelled clips '
        '(unlabeled_pipeline of SemiSupervisedDataset) with '
        'MultiView(weak=[...], strong=[...])')


@pytest.mark.parametrize('plain', [False, True])
@EACH
def test_missing_unlabeled_branch_raises(cfg, plain):
    name = cfg['type']
    inputs, data_samples = draw_batch(views=())
    if plain:
        inputs, data_samples = inputs['labeled'], data_samples['labeled']
    assert refused(cfg, batch=(inputs, data_samples)) == (
        f'{name} needs unlabelled clips, but the batch has no unlabelled '
        'branch: add InterleaveHook to custom_hooks, or remove '
        f'{name} from methods')


def test_unlabeled_clips_without_method_raise():
    assert refused() == (
        'the batch has an unlabelled branch, but this '
        'SemiSupervisedRecognizer has no method for it: set methods, or '
        'remove InterleaveHook from custom_hooks')


def test_psp_without_the_weak_view_raises():
    assert re.match(
        "this PSPRecognizer contrasts the view 'weak' of the unlabelled "
        'clips, but the batch has only .*strong: name one view of MultiView '
        "'weak'",
        refused(kind='PSPRecognizer', batch=draw_batch(views=('strong', )),
                **CONTRAST))


def test_psp_without_unlabeled_clips_raises():
    assert 'this PSPRecognizer has a contrastive loss, but the batch has no ' \
        'unlabelled branch: add InterleaveHook' in refused(
            FIXMATCH, kind='PSPRecognizer', batch=draw_batch(views=()),
            **CONTRAST)


def test_wrong_channels_raise():
    with pytest.raises(ValueError):
        build(FIXMATCH, backbone=BACKBONE,
              cls_head=dict(HEAD, in_channels=16))


def test_unknown_stage_raises():
    with pytest.raises(ValueError, match="must be 'backbone' or 'head', not "
                       "'neck'"):
        build().extract_feat(draw_batch()[0]['labeled'], 'neck')


# The progress of the training

@pytest.mark.parametrize('done, of, progress', [
    (None, None, 1.), (3, None, 1.), (None, 9, 1.), (0, 8, 0.),
    (2, 8, 0.25), (8, 8, 1.), (9, 8, 1.), (0, 0, 1.)])
def test_progress(done, of, progress):
    hub = MessageHub.get_current_instance()
    for key, value in (('iter', done), ('max_iters', of)):
        if value is not None:
            hub.update_info(key, value)
    assert training_progress() == progress


def test_ramp_follows_the_runner():
    hub = MessageHub.get_current_instance()
    model = build(dict(ENTROPY, ramp=dict(type='LinearRamp', end=0.5)))
    model.eval()
    full = model.loss(*draw_batch())['loss_entropy']
    hub.update_info('max_iters', 8)
    for i, factor in enumerate((0, 0.25, 0.5, 0.75, 1, 1)):
        hub.update_info('iter', i)
        loss = model.loss(*draw_batch())['loss_entropy']
        assert_close(loss, factor * full)


# A custom method

class Norm(UnlabeledMethod):
    """Uses only the documented interface."""
    views = ('other', )

    def views_to_encode(self, clips):
        return dict(doubled=2 * clips['other'])

    def forward(self, step):
        features = step.features['doubled'].joint
        return dict(loss_norm=self.weight(step) * features.square().mean(),
                    classes=step.logits('doubled').size(1))


def test_custom_method():
    """It may encode other clips than the views, under a new name."""
    MODELS.register_module(module=Norm, force=True)
    model = build('Norm')
    sizes = watch(model)
    losses = model.loss(*draw_batch(views=('other', 'weak')))
    assert sizes == [2 * (LABELED + UNLABELED)]
    assert losses['loss_norm'] > 0 and losses['classes'] == CLASSES
    with pytest.raises(NotImplementedError):
        UnlabeledMethod()(None)
