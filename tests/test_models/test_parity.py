"""Value by value against the authors' released implementation."""
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from reference import clips, read, relative

from psp_plugin.models.backbones.dsta import AttentionUnit, TemporalAttention
from psp_plugin.tooling.official import from_official

# Reference file -> the ``temporal`` of its network.
TEMPORAL = {'official_psp': 'conv', 'official_dsta_full': 'attention'}
LEVELS, STREAMS = ('body', 'part', 'joint'), ('j', 'm')
CODES = {'official_psp': ('pes', ), 'official_dsta_full': ('pes', 'pet')}
OUTPUTS = [
    'backbone_feats', 'logits', 'loss_cls',
    *(f'nce_{level}' for level in LEVELS),
    *(f'{kind}_{level}_{stream}' for kind in ('pooled', 'proj')
      for level in LEVELS for stream in STREAMS)
]
FILE = pytest.mark.parametrize('file', TEMPORAL)


def build(arrays, temporal, scale='full', body_from='joint'):
    """Our network with the reference weights."""
    model = MODELS.build(dict(
        type='PSPRecognizer',
        backbone=dict(type='DSTANet', num_heads=2, num_frames=16,
                      blocks=[[8, 8, 4, 1], [8, 16, 4, 2], [16, 16, 4, 1]],
                      temporal=temporal),
        cls_head=dict(type='TwoStreamHead', num_classes=6, in_channels=16),
        neck=dict(type='PyramidPolymerizingAttention', in_channels=16,
                  layout='nturgb+d', num_heads=2, scale=scale,
                  body_from=body_from),
        projector=dict(type='PooledMLP', in_channels=16),
        loss_con=dict(type='CoarseToFineContrastiveLoss')))
    state = {key[len('state/'):]: value for key, value in arrays.items()
             if key.startswith('state/')}
    model.load_state_dict(from_official(state, model), strict=True)
    return model.eval()


@torch.no_grad()
def outputs(model, arrays):
    """Our values of all reference arrays, by their names."""
    inputs = {branch: clips(arrays, branch)
              for branch in ('labeled', 'unlabeled')}
    samples = [ActionDataSample().set_gt_label(label.item())
               for label in arrays['in/labels']]
    losses = model.loss(inputs, dict(labeled=samples, unlabeled=None))
    features = model.encode(inputs)
    out = dict(
        backbone_feats=torch.cat([x for pair in features.values()
                                  for x in pair]),
        logits=model(inputs['labeled'], stage='head'),
        loss_cls=losses['loss_cls'])
    for level in LEVELS:
        out[f'nce_{level}'] = losses[f'loss_con_{level}']
    for stream, x in zip(STREAMS, features['unlabeled']):
        for level, y in model.neck(x).items():
            out[f'pooled_{level}_{stream}'] = y.mean((1, 3, 4))
            out[f'proj_{level}_{stream}'] = model.projector(y)
    return out


@pytest.fixture(scope='module', params=TEMPORAL)
def computed(request):
    """The reference arrays of one file and our values."""
    arrays = read(request.param)
    model = build(arrays, TEMPORAL[request.param])
    return arrays, outputs(model, arrays)


@pytest.mark.parametrize('name', OUTPUTS)
def test_output(computed, name):
    arrays, out = computed
    assert relative(out[name], arrays[f'out/{name}']) < 1e-4


def test_every_output_is_compared(computed):
    stored = {key[len('out/'):] for key in computed[0]
              if key.startswith('out/')}
    assert stored == set(OUTPUTS) == set(computed[1])


@pytest.mark.parametrize('file, code, block', [
    (file, code, block) for file, codes in CODES.items() for code in codes
    for block in range(3)])
def test_position_encoding(file, code, block):
    arrays = read(file)
    kind = AttentionUnit if code == 'pes' else TemporalAttention
    units = [unit for unit in build(arrays, TEMPORAL[file]).backbone.layers
             if type(unit) is kind]
    assert len(units) == 3
    ours = units[block].attention.position  # (C, V) or (C, T)
    ours = ours[:, None] if code == 'pes' else ours[..., None]
    theirs = arrays[f'state/graph_layers.{block}.{code}.pe'][0]  # (C, T, V)
    assert relative(ours.expand_as(theirs), theirs) < 1e-5


@FILE
def test_all_position_encodings_are_compared(file):
    stored = {key for key in read(file) if key.endswith('.pe')}
    assert len(stored) == 3 * len(CODES[file])


@FILE
@pytest.mark.parametrize('choice', [
    dict(scale='sqrt'), dict(body_from='part')])
def test_choices_of_the_paper_differ(file, choice):
    """The comparison detects the choices of the released implementation."""
    arrays = read(file)
    out = outputs(build(arrays, TEMPORAL[file], **choice), arrays)
    for stream in STREAMS:
        name = f'pooled_body_{stream}'
        assert relative(out[name], arrays[f'out/{name}']) > 1e-3
