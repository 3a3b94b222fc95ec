"""A function per row of docs/guides/bad_input.md, which causes its problem."""
import pickle
from argparse import Namespace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Callable, Dict

import numpy as np
import torch
from mmaction.registry import DATASETS, MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader
from toy import BLOCKS, CONFIGS, small_config

from psp_plugin.commands.command_line import read_config
from psp_plugin.commands.loading import check_checkpoint_file
from psp_plugin.commands.run_checks import check_run, class_options
from psp_plugin.configs import change_data, change_skeletons
from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.datasets.transforms import NormalizeSkeleton3D
from psp_plugin.engine.hooks import CheckpointFitHook
from psp_plugin.engine.hooks.interleave import InterleaveHook
from psp_plugin.models.backbones import DSTANet
from psp_plugin.models.necks import PyramidPolymerizingAttention

SHAPE = (1, 6, 25, 3)
PROBLEMS: Dict[str, Callable[[Path], None]] = {}


def problem(function: Callable[[Path], None]) -> Callable[[Path], None]:
    """Registers a function that causes the problem of its name."""
    PROBLEMS[function.__name__] = function
    return function


def make_clips():
    rng = np.random.default_rng(0)
    return [
        dict(frame_dir=f'clip{i:02}', label=i % 3, total_frames=6,
             keypoint=rng.normal(size=SHAPE).astype(np.float32))
        for i in range(12)
    ]


def write(folder, clips=None, **data):
    """Writes clips and a split of all; ``data`` overrides its keys."""
    clips = make_clips() if clips is None else clips
    names = [clip['frame_dir'] for clip in clips]
    data = dict(dict(split=dict(train=names), annotations=clips), **data)
    path = folder / 'a.pkl'
    path.write_bytes(pickle.dumps(data))
    return str(path)


def config(path, **kwargs):
    return dict(dict(type='CheckedPoseDataset', ann_file=str(path),
                     split='train', serialize_data=False), **kwargs)


def read(path, **kwargs):
    return DATASETS.build(config(path, **kwargs))


def semi(path, subset='labeled', split='train', pipeline=(), **kwargs):
    return SemiSupervisedDataset(
        config(path, split=split, pipeline=list(pipeline)), subset, **kwargs)


def changed(folder, need_label=False, **keys):
    """Reads a dataset in which one clip has other values."""
    clips = make_clips()
    clips[3].update(keys)
    read(write(folder, clips), need_label=need_label, num_classes=3)


def with_value(value):
    points = make_clips()[3]['keypoint']
    points[0, 2:4, 5, 0] = value
    return points


# Annotation files


@problem
def missing(folder):
    read(folder / 'nwucla_3d.pkl')


@problem
def folder_for_file(folder):
    read(folder)


@problem
def empty(folder):
    (folder / 'a.pkl').touch()
    read(folder / 'a.pkl')


@problem
def truncated(folder):
    path = Path(write(folder))
    path.write_bytes(path.read_bytes()[:1000])
    read(path)


@problem
def damaged_byte(folder):
    """A wrong length of a key, so that its rest is read as opcodes."""
    path = Path(write(folder))
    content = path.read_bytes()
    assert b'\x09frame_dir' in content
    path.write_bytes(content.replace(b'\x09frame_dir', b'\x01frame_dir', 1))
    read(path)


@problem
def not_a_pickle(folder):
    (folder / 'a.pkl').write_text('frame_dir,label\nclip,3\n')
    read(folder / 'a.pkl')


@problem
def code_in_pickle(folder):
    changed(folder, label=Fraction(1, 2))


@problem
def array_of_objects(folder):
    changed(folder, keypoint=np.full(SHAPE, None))


@problem
def no_data_set(folder):
    (folder / 'a.pkl').write_bytes(pickle.dumps('clips'))
    read(folder / 'a.pkl')


@problem
def no_split_key(folder):
    path = folder / 'a.pkl'
    path.write_bytes(pickle.dumps(dict(splits={}, annotations=make_clips())))
    read(path)


@problem
def no_annotations_key(folder):
    (folder / 'a.pkl').write_bytes(pickle.dumps(dict(split={}, clips=[])))
    read(folder / 'a.pkl')


@problem
def unknown_split(folder):
    read(write(folder), split='xsub_train')


@problem
def split_not_given(folder):
    read(write(folder), split=None)


@problem
def split_of_a_list(folder):
    (folder / 'a.pkl').write_bytes(pickle.dumps(make_clips()))
    read(folder / 'a.pkl')


@problem
def split_no_dict(folder):
    read(write(folder, split=['clip01']))


@problem
def split_of_numbers(folder):
    read(write(folder, split=dict(train=['clip01', 7])))


@problem
def annotations_no_list(folder):
    read(write(folder, annotations='clips'))


@problem
def no_annotations(folder):
    read(write(folder, []))


@problem
def annotation_no_dict(folder):
    read(write(folder, annotations=[*make_clips(), 'clip12']))


@problem
def annotation_without_name(folder):
    read(write(folder, annotations=[*make_clips(), dict(label=2)]))


@problem
def split_without_clips(folder):
    read(write(folder, split=dict(train=['other01', 'other02'])))


@problem
def split_names_absent_clip(folder):
    read(write(folder, split=dict(train=['clip01', 'clip02', 'clip99'])))


@problem
def double_name(folder):
    read(write(folder, [*make_clips(), make_clips()[4]]))


@problem
def metainfo_no_dict(folder):
    read(write(folder, metainfo=['wave', 'kick']))


@problem
def metainfo_class_twice(folder):
    read(write(folder, metainfo=dict(classes=['wave', 'kick', 'wave'])))


@problem
def metainfo_layout_of_another_type(folder):
    read(write(folder, metainfo=dict(layout=25)))


@problem
def metainfo_fps_text(folder):
    read(write(folder, metainfo=dict(fps='30')))


@problem
def metainfo_names_other_classes(folder):
    """With the model's number of classes, which the tools set."""
    read(write(folder, metainfo=dict(classes=['wave', 'kick', 'sit'])),
         num_classes=10)


# Labels


@problem
def negative_label(folder):
    changed(folder, label=-2)


@problem
def label_float(folder):
    changed(folder, label=1.)


@problem
def label_text(folder):
    changed(folder, label='throw')


@problem
def several_labels(folder):
    changed(folder, label=[0, 2])


@problem
def label_beyond(folder):
    changed(folder, label=3)


@problem
def label_beyond_the_model(folder):
    """With the model's number of classes set by options, as in the tools."""
    clips = make_clips()
    clips[3]['label'] = 5
    cfg = Config(dict(
        model=dict(cls_head=dict(num_classes=4)),
        train_dataloader=dict(dataset=dict(dataset=config(
            write(folder, clips))))))
    cfg.merge_from_dict(dict(
        option.split('=') for option in class_options(cfg)))
    dataset = cfg.train_dataloader.dataset.dataset
    read(**dict(dataset, num_classes=int(dataset.num_classes),
                path=dataset.pop('ann_file')))


@problem
def label_missing(folder):
    changed(folder, need_label=True, label=None)


@problem
def unlabeled_where_labels_are_needed(folder):
    changed(folder, need_label=True, label=-1)


@problem
def no_label_to_draw_from(folder):
    clips = [dict(clip, label=-1) for clip in make_clips()]
    semi(write(folder, clips), labeled_per_class=1)


@problem
def label_missing_in_split_file(folder):
    clips = make_clips()
    del clips[3]['label']
    (folder / 's.txt').write_text('clip01\nclip03\n')
    semi(write(folder, clips), split_file=str(folder / 's.txt'))


@problem
def class_too_small(folder):
    semi(write(folder), labeled_per_class=5)


# Key points


@problem
def no_keypoint(folder):
    clips = make_clips()
    del clips[3]['keypoint']
    read(write(folder, clips))


@problem
def keypoint_of_lists(folder):
    changed(folder, keypoint=np.zeros(SHAPE).tolist())


@problem
def keypoint_of_text(folder):
    changed(folder, keypoint=np.full(SHAPE, 'x'))


@problem
def keypoint_rank(folder):
    changed(folder, keypoint=np.ones(SHAPE[1:]))


@problem
def no_persons(folder):
    changed(folder, keypoint=np.ones((0, *SHAPE[1:])))


@problem
def no_frames(folder):
    changed(folder, keypoint=np.ones((1, 0, 25, 3)), total_frames=0)


@problem
def other_joints(folder):
    changed(folder, keypoint=np.ones((1, 6, 20, 3)))


@problem
def other_coordinates(folder):
    changed(folder, keypoint=np.ones((1, 6, 25, 2)))


@problem
def four_coordinates(folder):
    changed(folder, keypoint=np.ones((1, 6, 25, 4)))


@problem
def pixels_of_integers(folder):
    changed(folder, keypoint=np.ones((1, 6, 25, 2), dtype=np.int16))


@problem
def nan(folder):
    changed(folder, keypoint=with_value(np.nan))


@problem
def infinite(folder):
    changed(folder, keypoint=with_value(np.inf))


@problem
def all_zero(folder):
    changed(folder, keypoint=np.zeros(SHAPE))


@problem
def total_frames_differ(folder):
    changed(folder, total_frames=9)


@problem
def total_frames_text(folder):
    changed(folder, total_frames='6')


@problem
def score_shape(folder):
    clips = make_clips()
    for clip in clips:
        clip['keypoint_score'] = np.ones(SHAPE[:-1])
    clips[3]['keypoint_score'] = np.ones((1, 5, 25))
    read(write(folder, clips))


@problem
def score_not_finite(folder):
    clips = make_clips()
    for clip in clips:
        clip['keypoint_score'] = np.ones(SHAPE[:-1])
    clips[3]['keypoint_score'][0, 2, 7] = np.nan
    read(write(folder, clips))


@problem
def score_of_one_clip(folder):
    changed(folder, keypoint_score=np.ones(SHAPE[:-1]))


@problem
def img_shape(folder):
    changed(folder, img_shape=(1080, 0))


@problem
def no_skeleton_file(folder):
    read(write(folder), data_prefix=dict(skeleton=str(folder)),
         pipeline=[])[3]


@problem
def no_valid(folder):
    read(write(folder), valid_ratio=0.5)


@problem
def nothing_valid(folder):
    clips = make_clips()
    for clip in clips:
        clip.update(valid={0.5: 1}, box_score=np.ones(6))
    read(write(folder, clips), valid_ratio=0.5)


@problem
def all_bad(folder):
    clips = make_clips()
    for clip in clips:
        clip['keypoint'][:] = np.nan
    read(write(folder, clips), invalid_clips='skip')


@problem
def unknown_policy(folder):
    read(write(folder), invalid_clips='ignore')


# In training


def fail_on_clip03(info):
    if info['frame_dir'] == 'clip03':
        raise IndexError('frame 9 of 6')
    return info


@problem
def pipeline_fails(folder):
    list(read(write(folder), pipeline=[fail_on_clip03]))


@problem
def pipeline_fails_in_worker(folder):
    view = semi(write(folder), labeled_per_class=4, pipeline=[fail_on_clip03])
    try:
        list(DataLoader(view, 1, num_workers=1, collate_fn=list))
    except RuntimeError as error:
        # PyTorch prepends the worker's traceback to the message.
        last = str(error).strip().splitlines()[-1]
        raise type(error)(last.partition(': ')[2]) from error


@problem
def pipeline_gives_nothing(folder):
    read(write(folder), pipeline=[lambda info: None])[3]


@problem
def pipeline_always_fails(folder):
    def fail(info):
        raise IndexError('no frame')

    read(write(folder), pipeline=[fail], invalid_clips='skip')[2]


@problem
def bad_test_clip(folder):
    read(write(folder), pipeline=[fail_on_clip03], test_mode=True,
         invalid_clips='skip')[3]


@problem
def joints_of_another_model(folder):
    model = MODELS.build(tiny_model())
    clips = torch.rand(2, 1, 1, 8, 20, 6)
    model.loss(dict(labeled=clips, unlabeled=clips), dict(labeled=[]))


# Checkpoints


def checkpoint_of_another_model(**options):
    def run(folder):
        model, other = torch.nn.Linear(4, 3), torch.nn.Linear(4, 5)
        CheckpointFitHook().after_load_checkpoint(SimpleNamespace(
            model=model, _resume=options.get('resume', False),
            _load_from=str(folder / 'a.pth')), dict(
                weight=model.weight, bias=other.bias))

    return run


PROBLEMS.update(
    checkpoint_does_not_fit=checkpoint_of_another_model(),
    resumed_checkpoint_does_not_fit=checkpoint_of_another_model(resume=True),
    checkpoint_missing=lambda folder: check_checkpoint_file('a.pth'),
)


# The labelled split


def sampling(**kwargs):
    return lambda folder: semi(write(folder), **kwargs)


def splitting(text, name='s.txt'):
    def run(folder):
        (folder / name).write_bytes(text)
        semi(write(folder), split_file=str(folder / name))

    return run


PROBLEMS.update(
    ratio_zero=sampling(labeled_ratio=0),
    ratio_above_one=sampling(labeled_ratio=1.5),
    ratio_text=sampling(labeled_ratio='5%'),
    ratio_gives_none=sampling(labeled_ratio=0.1),
    per_class_zero=sampling(labeled_per_class=0),
    per_class_float=sampling(labeled_per_class=2.5),
    ratio_draw_of_a_number=sampling(labeled_per_class=2, draw='proportional'),
    draws_contradict=sampling(labeled_ratio=0.5, draw='proportional',
                              balanced=False),
    unknown_draw=sampling(labeled_ratio=0.5, draw='fair'),
    ratio_and_per_class=sampling(labeled_ratio=0.5, labeled_per_class=2),
    no_amount=sampling(),
    unknown_subset=sampling(subset='all', labeled_per_class=2),
    split_file_missing=sampling(split_file='nowhere.txt'),
    split_file_without_names=splitting(b'# no names\n'),
    split_file_of_another_set=splitting(b'clip01\nS001C001\n'),
    split_file_names_twice=splitting(b'clip01\nclip01\n'),
    split_file_of_numbers=splitting(b'{"labeled": [1, 2]}', 's.json'),
    split_file_not_text=splitting(b'\xff\xfe\x00', 's.txt'),
)


# Model and hook


def tiny_model(**options):
    return small_config('psp_ntu60_xsub_5p.py', 'a.pkl', 'none', **{
        f'model.{key}': value for key, value in options.items()}).model


def building(**options):
    return lambda folder: MODELS.build(tiny_model(**options))


def start_hook(view, **loader):
    """Starts the hook like a runner."""
    InterleaveHook(dict(
        dict(batch_size=2, num_workers=0, drop_last=True,
             sampler=dict(type='DefaultSampler', shuffle=True)),
        **loader)).before_train(SimpleNamespace(
            iter=0, seed=0, _randomness_cfg={}, train_loop=None,
            train_dataloader=DataLoader(view),
            build_dataloader=Runner.build_dataloader))


PROBLEMS.update(
    unknown_layout=building(**{'neck.layout': 'kinect'}),
    broken_layout=lambda folder: PyramidPolymerizingAttention(
        16, dict(parts=[[0, 1], [1]], bodies=[[0, 1]])),
    layouts_differ=building(**{'backbone.num_joints': 20}),
    odd_channels=building(**{'backbone.blocks': [(7, 7, 2, 1)]}),
    heads_do_not_divide=building(**{'neck.num_heads': 3}),
    no_heads=building(**{'neck.num_heads': 0}),
    no_encoder_heads=building(**{'backbone.num_heads': 0}),
    no_blocks=building(**{'backbone.blocks': []}),
    layout_of_another_type=building(**{'neck.layout': ['nturgb+d']}),
    attention_without_frames=building(**{'backbone.temporal': 'attention'}),
    half_a_contrast=building(projector=None),
)


def feeding(module, *shape, **options):
    return lambda folder: module(**options)(torch.rand(shape))


PROBLEMS.update(
    joints_of_another_encoder=feeding(DSTANet, 2, 1, 8, 20, 3, blocks=BLOCKS),
    coordinates_of_another_encoder=feeding(
        DSTANet, 2, 1, 8, 25, 2, blocks=BLOCKS),
    frames_of_another_code=feeding(
        DSTANet, 2, 1, 6, 25, 3, blocks=BLOCKS, temporal='attention',
        num_frames=8),
    joints_of_another_neck=feeding(
        PyramidPolymerizingAttention, 2, 1, 16, 4, 25, in_channels=16,
        layout='nwucla'),
    channels_of_another_neck=feeding(
        PyramidPolymerizingAttention, 2, 1, 8, 4, 25, in_channels=16,
        layout='nturgb+d'),
)


@problem
def frames_sampled_otherwise(folder):
    check_run(small_config('psp_ntu60_xsub_5p.py', 'a.pkl', 'none', **{
        'model.backbone.temporal': 'attention',
        'model.backbone.num_frames': 32}))


@problem
def config_names_other_classes(folder):
    cfg = Config.fromfile(str(CONFIGS / 'psp_nwucla_xview_5p_small.py'))
    cfg.model.cls_head.num_classes = 20
    check_run(cfg)


@problem
def option_without_effect(folder):
    read_config(Namespace(config=str(CONFIGS / 'psp_two_files.py'),
                          cfg_options=dict(unlabeled_file='a.pkl')))


@problem
def layout_without_spine(folder):
    NormalizeSkeleton3D(layout=dict(parts=[[0, 1], [2]], bodies=[[0, 1]]))


@problem
def layout_and_joints(folder):
    NormalizeSkeleton3D(layout='nwucla', center=2)


@problem
def axis_of_one_joint(folder):
    NormalizeSkeleton3D(zaxis=(3, 3))


@problem
def layout_without_place(folder):
    change_skeletons(dict(model=dict(type='Recognizer3D')), 'nwucla')


@problem
def setting_without_place(folder):
    change_data(dict(train_dataloader=dict(batch_size=2)), frames=8)


@problem
def setting_of_another_type(folder):
    change_data({}, frames='50')


@problem
def label_fraction_in_percent(folder):
    change_data({}, labeled_ratio=5)


@problem
def channels_not_halves(folder):
    model = MODELS.build(tiny_model())
    clips = torch.rand(2, 1, 1, 8, 25, 5)
    model.loss(dict(labeled=clips, unlabeled=clips), dict(labeled=[]))


@problem
def contrast_of_one(folder):
    cfg = small_config('psp_ntu60_xsub_5p.py', 'a.pkl', 'none')
    cfg.custom_hooks[0].unlabeled_dataloader.batch_size = 1
    check_run(cfg)


@problem
def contrast_without_hook(folder):
    model = MODELS.build(tiny_model())
    model.loss(torch.rand(2, 1, 1, 8, 25, 6), [])


@problem
def hook_without_contrast(folder):
    model = MODELS.build(tiny_model(neck=None, projector=None, loss_con=None))
    clips = torch.rand(2, 1, 1, 8, 25, 6)
    model.loss(dict(labeled=clips, unlabeled=clips), dict(labeled=[]))


def method_model(*methods):
    """Returns a recognizer with methods, and a batch of clips."""
    model = tiny_model(neck=None, projector=None, loss_con=None)
    for part in ('neck', 'projector', 'loss_con'):
        model.pop(part)
    model.update(type='SemiSupervisedRecognizer', methods=list(methods))
    return MODELS.build(model), torch.rand(2, 1, 1, 8, 25, 6)


@problem
def method_without_hook(folder):
    model, clips = method_model(dict(type='FixMatch'))
    model.loss(clips, [])


@problem
def method_without_view(folder):
    model, clips = method_model(dict(type='FixMatch'))
    model.loss(dict(labeled=clips, unlabeled=clips),
               dict(labeled=[], unlabeled=[]))


@problem
def hook_without_method(folder):
    model, clips = method_model()
    model.loss(dict(labeled=clips, unlabeled=clips),
               dict(labeled=[], unlabeled=[]))


@problem
def methods_not_a_list(folder):
    model = tiny_model()
    MODELS.build(dict(model, methods=dict(type='FixMatch')))


@problem
def two_teachers(folder):
    method_model(dict(type='MeanTeacher'), dict(type='MeanTeacher'))


@problem
def clips_without_number(folder):
    mask = MODELS.build(dict(type='FlexMatchThreshold', num_clips=9))
    mask(torch.rand(2, 3), [ActionDataSample(), ActionDataSample()])


@problem
def hook_without_view(folder):
    start_hook(read(write(folder)))


@problem
def unlabeled_batch_too_large(folder):
    start_hook(semi(write(folder), labeled_per_class=2), batch_size=7)


@problem
def nothing_unlabeled(folder):
    start_hook(semi(write(folder), labeled_ratio=1))
