"""Property tests: any input raises documented exceptions only."""
import copy
import json
import pickle

import numpy as np
import pytest
import torch
from bad_inputs import SHAPE, make_clips
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mmaction.registry import DATASETS

from psp_plugin.annotations.pickles import load_pickle
from psp_plugin.datasets import (
    AnnotationError,
    InvalidClipError,
    PickleFileError,
    SemiSupervisedDataset,
)
from psp_plugin.datasets.split import (
    choose_labeled,
    clips_per_class,
    read_split,
    write_split,
)
from psp_plugin.models.backbones import DSTANet
from psp_plugin.models.losses import CoarseToFineContrastiveLoss
from psp_plugin.models.necks import PooledMLP, PyramidPolymerizingAttention
from psp_plugin.recordings import RecordingError, read_recording
from psp_plugin.skeletons import LEVELS, get_pyramid

# The same examples in every run, so that failures of CI are reproducible.
fuzz = settings(derandomize=True, deadline=None, database=None,
                max_examples=60, suppress_health_check=list(HealthCheck))
few = settings(fuzz, max_examples=25)


@st.composite
def partitions(draw, most=12):
    """A number of items, and random groups of them."""
    count = draw(st.integers(1, most))
    owner = draw(st.lists(st.integers(0, most), min_size=count,
                          max_size=count))
    groups = {}
    for item, group in enumerate(owner):
        groups.setdefault(group, []).append(item)
    return count, list(groups.values())


@st.composite
def tables(draw):
    """A layout of random parts and bodies."""
    joints, parts = draw(partitions())
    owner = draw(st.lists(st.integers(0, 3), min_size=len(parts),
                          max_size=len(parts)))
    bodies = [[part for part, own in enumerate(owner) if own == body]
              for body in sorted(set(owner))]
    return dict(num_joints=joints, parts=parts, bodies=bodies)


@fuzz
@given(tables())
def test_every_partition_is_a_layout(table):
    pyramid = get_pyramid(table)
    assert pyramid.num_joints == table['num_joints']
    for joint, part in enumerate(pyramid.joint_to_part):
        assert joint in table['parts'][part]
        assert part in table['bodies'][pyramid.joint_to_body[joint]]


@fuzz
@given(tables(), st.sampled_from(['parts', 'bodies']), st.data())
def test_every_invalid_partition_raises(table, key, data):
    groups = copy.deepcopy(table[key])
    group = data.draw(st.integers(0, len(groups) - 1))
    problem = data.draw(st.sampled_from(['twice', 'lost', 'beyond', 'empty',
                                       'text']))
    if problem == 'twice':
        groups.append([groups[group][0]])
    elif problem == 'lost':
        del groups[group][0]
    elif problem == 'beyond':
        groups[group].append(data.draw(st.sampled_from([-1, 99])))
    elif problem == 'empty':
        groups.append([])
    else:
        groups[group] = data.draw(st.sampled_from(['ab', 5, None, [0.5]]))
    with pytest.raises(ValueError, match='layout'):
        get_pyramid(dict(table, **{key: groups}))


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats() |
    st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(['parts', 'bodies', 'num_joints', 'name', 'x']),
        inner, max_size=4), max_leaves=12)


@fuzz
@given(st.dictionaries(st.sampled_from(['parts', 'bodies', 'name', 'bones']),
                       json_like, max_size=4))
def test_any_table_is_a_layout_or_raises(table):
    try:
        get_pyramid(table)
    except ValueError as error:
        assert str(error)


labels_of_clips = st.lists(st.integers(0, 4), min_size=1, max_size=60)
seeds = st.integers(-2**40, 2**40) | st.text(max_size=3)


@fuzz
@given(labels_of_clips, st.integers(-1, 8), seeds, st.randoms())
def test_draw(labels, count, seed, random):
    """``count`` per class, independent of the order; nested."""
    names = [f'clip{i}' for i in range(len(labels))]
    smallest = min(map(labels.count, set(labels)))
    if not 1 <= count <= smallest:
        with pytest.raises(ValueError, match='labeled_per_class'):
            choose_labeled(names, labels, count, seed)
        return
    chosen = choose_labeled(names, labels, count, seed)
    label_of = dict(zip(names, labels))
    counts = [label_of[name] for name in chosen]
    assert {label: counts.count(label) for label in set(labels)
            } == dict.fromkeys(labels, count)
    assert len(set(chosen)) == len(chosen)
    order = list(range(len(names)))
    random.shuffle(order)
    assert chosen == choose_labeled([names[i] for i in order],
                                    [labels[i] for i in order], count, seed)
    for smaller in range(1, count):
        assert set(choose_labeled(names, labels, smaller, seed)) < set(chosen)


numbers = (st.floats() | st.integers() | st.none() | st.text(max_size=3) |
           st.fractions() | st.booleans())


@fuzz
@given(numbers, st.integers(0, 10**6), st.integers(0, 200))
def test_clips_per_class(ratio, clips, classes):
    try:
        count = clips_per_class(ratio, clips, classes)
    except ValueError as error:
        assert 'label' in str(error)
    else:
        assert 1 <= count <= clips / classes


@fuzz
@given(st.lists(st.text(min_size=1), unique=True, max_size=8),
       st.sampled_from(['s.json', 's.txt']))
def test_split_file_round_trip(tmp_path_factory, names, file):
    path = str(tmp_path_factory.mktemp('split') / file)
    try:
        write_split(path, names)
        read = read_split(path)
    except ValueError as error:
        assert path in str(error)
    else:
        assert read == names


@fuzz
@given(st.binary(max_size=60) | json_like.map(
    lambda value: json.dumps(dict(labeled=value)).encode()),
       st.sampled_from(['s.json', 's.txt']))
def test_any_split_file_is_read_or_raises(tmp_path_factory, content,
                                                 file):
    path = tmp_path_factory.mktemp('split') / file
    path.write_bytes(content)
    try:
        names = read_split(str(path))
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert names and all(isinstance(name, str) for name in names)


arrays = st.builds(
    lambda shape, dtype, value: np.full(shape, value).astype(dtype),
    st.lists(st.integers(0, 6), max_size=5).map(tuple) | st.just(SHAPE),
    st.sampled_from(['f2', 'f4', 'f8', 'i2', 'u1', '?', 'c8', 'U3']),
    st.sampled_from([0., 1., -3.]))
values = (arrays | json_like | st.integers() | st.floats() |
          st.just(np.float32(2)) | st.just(np.int64(1)))
KEYS = ['frame_dir', 'label', 'total_frames', 'keypoint', 'keypoint_score',
        'img_shape', 'frame_inds', 'filename', 'x']


@st.composite
def mutations(draw):
    """A valid dataset in which some values are replaced or removed."""
    clips = make_clips()
    for _ in range(draw(st.integers(1, 3))):
        clip = clips[draw(st.integers(0, 11))]
        key, value = draw(st.sampled_from(KEYS)), draw(values)
        if key in clip and draw(st.booleans()):
            del clip[key]
        elif isinstance(clip.get(key), np.ndarray) and draw(st.booleans()):
            place = tuple(draw(st.integers(0, n - 1)) if n else 0
                          for n in clip[key].shape)
            assume(0 not in clip[key].shape and clip[key].dtype.kind == 'f')
            clip[key][place] = draw(st.floats(width=16))
        else:
            clip[key] = value
    names = [f'clip{i:02}' for i in range(12)]
    data = dict(split=dict(train=names), annotations=clips)
    key = draw(st.sampled_from(['split', 'annotations'] + 6 * ['none']))
    if key in data:
        part = draw(st.sampled_from(['gone', 'other']))
        if part == 'gone':
            del data[key]
        elif key == 'split':
            data['split'] = draw(json_like) if draw(
                st.booleans()) else dict(train=draw(json_like))
        else:
            clips[draw(st.integers(0, 11))] = draw(values)
    return data


PIPELINE = [
    dict(type='NormalizeSkeleton3D'),
    dict(type='GenSkeFeat', feats=['j', 'jm']),
    dict(type='UniformSamplePose', clip_len=4),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs'),
]


@settings(fuzz, max_examples=120)
@given(mutations(), st.sampled_from(['stop', 'skip']), st.booleans(),
       st.booleans())
def test_mutated_datasets(tmp_path_factory, data, policy, need_label, semi):
    """They raise an error of one sentence, or can be trained on."""
    path = str(tmp_path_factory.mktemp('fuzz') / 'a.pkl')
    with open(path, 'wb') as stream:
        pickle.dump(data, stream)
    cfg = dict(type='CheckedPoseDataset', ann_file=path, split='train',
               pipeline=PIPELINE, invalid_clips=policy, need_label=need_label,
               num_classes=3, serialize_data=False)  # avoids a gc.collect()
    try:
        dataset = SemiSupervisedDataset(
            cfg, labeled_per_class=1) if semi else DATASETS.build(cfg)
        items = [dataset[i] for i in range(len(dataset))]
    except (AnnotationError, PickleFileError, InvalidClipError) as error:
        assert path in str(error) and '\n' not in str(error)
    except ValueError as error:  # of the sampling
        assert semi and str(error).startswith(path)
    else:
        for item in items:
            assert item['inputs'].shape == (1, 1, 4, 25, 6)
            assert torch.isfinite(item['inputs']).all()


@few
@given(tables(), st.integers(1, 3), st.integers(1, 2), st.integers(1, 9),
       st.integers(2, 3), st.integers(1, 3), st.booleans(),
       st.integers(0, 2**31))
def test_shapes_through_the_network(table, n, m, t, c, stride, attention,
                                    seed):
    """Encoder, pyramid, projection and contrast: finite, with gradients."""
    torch.manual_seed(seed)
    v = table['num_joints']
    net = DSTANet(c, v, [(4, 4, 2, 1), (4, 8, 2, stride)], num_heads=2,
                  temporal='attention' if attention else 'conv', num_frames=t)
    neck = PyramidPolymerizingAttention(8, table, num_heads=2)
    project = PooledMLP(8)
    features = net(torch.randn(2 * n, m, t, v, c))
    assert features.shape == (2 * n, m, 8, -(-t // stride), v)
    pyramid = {level: project(x) for level, x in neck(features).items()}
    joint, motion = ({level: x.chunk(2)[half] for level, x in pyramid.items()}
                     for half in (0, 1))
    losses = CoarseToFineContrastiveLoss()(joint, motion)
    assert set(losses) == {f'loss_con_{level}' for level in LEVELS}
    total = sum(losses.values())
    assert torch.isfinite(total) and total >= 0
    total.backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


@st.composite
def damaged(draw, content):
    """A file with some bytes changed, removed or inserted."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        how = draw(st.sampled_from(['change', 'cut', 'insert']))
        if how == 'change' and place < len(content):
            content[place] = draw(st.integers(0, 255))
        elif how == 'cut':
            del content[place:place + draw(st.integers(1, 20))]
        else:
            content[place:place] = draw(st.binary(max_size=4))
    return bytes(content)


SMALL = dict(frame_dir='a', total_frames=2, label=1,
             keypoint=np.arange(18, dtype=np.float32).reshape(1, 2, 3, 3))
PICKLES = [pickle.dumps(dict(split=dict(train=['a']), annotations=[SMALL]),
                        protocol) for protocol in (0, 2, 4, 5)]


@settings(fuzz, max_examples=200)
@given(st.binary(max_size=80) | st.sampled_from(PICKLES).flatmap(damaged))
def test_any_pickle_is_read_or_raises(tmp_path_factory, content):
    path = tmp_path_factory.mktemp('pickle') / 'a.pkl'
    path.write_bytes(content)
    try:
        load_pickle(str(path))
    except PickleFileError as error:
        assert str(error).startswith(str(path)) and '\n' not in str(error)


SKELETON = '2\n' + 2 * ('1\n7 0 0 0 0 0 0 0 0 2\n2\n' +
                        2 * '0.1 0.2 0.3 1 1 1 1 0 0 0 0 2\n')
RECORDINGS = {
    '.json': [json.dumps(SMALL['keypoint'].tolist()),
              json.dumps(dict(skeletons=SMALL['keypoint'][0].tolist())),
              json.dumps(dict(keypoint=SMALL['keypoint'].tolist(),
                              keypoint_score=np.ones((1, 2, 3)).tolist(),
                              img_shape=[9, 9])),
              json.dumps(dict(data=[dict(frame_index=1, skeleton=[dict(
                  pose=[.1, .2, .3, .4], score=[.5, .6])])]))],
    '.skeleton': [SKELETON],
    '.pkl': [PICKLES[1].decode('latin1')],
}
good = [(suffix, text.encode('latin1'))
        for suffix, texts in RECORDINGS.items() for text in texts]


@settings(fuzz, max_examples=200)
@given(st.sampled_from(good).flatmap(
    lambda item: st.tuples(st.just(item[0]), damaged(item[1]))))
def test_any_recording_is_read_or_raises(tmp_path_factory, file):
    suffix, content = file
    path = tmp_path_factory.mktemp('recording') / f'a{suffix}'
    path.write_bytes(content)
    try:
        clip = read_recording(str(path) + ('#a' if suffix == '.pkl' else ''))
    except RecordingError as error:
        assert str(error).startswith(str(path)) and '\n' not in str(error)
    else:
        assert np.isfinite(clip['keypoint']).all() and clip['keypoint'].any()
