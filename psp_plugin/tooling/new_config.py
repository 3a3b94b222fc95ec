"""Writes a config for an annotation file of one's own."""
import json
import math
import os
import pprint
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope

import psp_plugin
from psp_plugin.annotations import (
    AnnotationFile,
    common_layout,
    is_integer,
    read_annotations,
    select_clips,
    several,
)
from psp_plugin.commands.run_checks import check_run, class_options
from psp_plugin.datasets.split import clips_per_class, read_split
from psp_plugin.errors import FileError, InputError
from psp_plugin.skeletons import LAYOUTS, get_pyramid

# Least iterations of an epoch, as the small NW-UCLA configs have.
ITERATIONS = 25
SIZES = dict(
    small=dict(frames=24, batch=16, pool=48, model='psp_small',
               schedule='sgd_small', interval=8),
    full=dict(frames=50, batch=64, pool=64, model='psp',
              schedule='sgd_ntu60', interval=1))
# The settings of psp_nwucla_xview_5p_small.py that psp_small.py has not.
SMALL_MODEL = """\
    neck=dict(part_to_joint=0.1, body_to_joint=0.2),"""
# Many x86 CPUs are slow in bfloat16, so it is left to the user.
BFLOAT16 = """\
# Faster on GPUs and on CPUs with AVX-512 BF16, see docs/guides/speed.md:
# optim_wrapper = dict(type='BFloat16OptimWrapper')"""
# Of 3D clips the streams are turned and sheared apart, as in that config.
VIEWS = """\
# Each stream is turned (radians about x, y and the vertical) and sheared with
# random values of its own, as in psp_nwucla_xview_5p_small.py; more
# augmentation: docs/guides/augmentation.md.
train_pipeline = _base_.normalize + [
    dict(
        type='StreamsApart',
        transforms=[
            dict(type='RandomRotatePose', angles=(0.17, 0.17, 1.05)),
            dict(type='RandomShearPose', factor=0.2),
        ] + _base_.train_pipeline[len(_base_.normalize):-len(_base_.pack)])
] + _base_.pack
"""
NO_VIEWS = """\
# Augmentation goes between the first transform and the others, see
# docs/guides/augmentation.md.
train_pipeline = _base_.train_pipeline
"""
HIDDEN = """\
train_dataloader = dict(
    dataset=dict(
        times={times},  # passes over the labelled clips in an epoch
        dataset=dict(
            {labeled}
            include_labeled=True,
            dataset=dict(pipeline=train_pipeline))))
"""
TWO_SPLITS = """\
train_dataloader = dict(
    dataset=dict(
        times={times},  # passes over the labelled clips in an epoch
        dataset=dict(
            _delete_=True,
            type='CheckedPoseDataset',
            ann_file=ann_file,
            split={train!r},
            need_label=True,
            pipeline=train_pipeline)))
custom_hooks = [
    dict(
        type='InterleaveHook',
        unlabeled_dataloader=dict(
            _base_.custom_hooks[0].unlabeled_dataloader,
            dataset=dict(
                type='CheckedPoseDataset',
                ann_file=ann_file,
                split={pool!r},
                drop_labels=True,
                pipeline=train_pipeline)))
]
"""


@dataclass
class Labels:
    """Which clips are labelled; at most one is given.

    Args:
        ratio: Label fraction of the training split, whose other labels are
            hidden.
        split_file: File with the names of the labelled clips.
        pool: Split of the unlabelled clips; all of the training split are
            labelled.
    """
    ratio: Optional[float] = None
    split_file: Optional[str] = None
    pool: Optional[str] = None


@dataclass
class Data:
    """What a config has to know of an annotation file.

    Args:
        path: The file.
        splits: Training and validation split.
        layout: Name or table of the joint layout.
        source: Where the layout comes from, for the comment.
        joints: Number of joints.
        coordinates: 2 or 3.
        scored: Whether the joints have scores.
        persons: Largest number of persons in a clip.
        classes: Number of classes.
        img_shape: Height and width of images where clips have none.
        clips: Number of training clips.
        labeled: Number of labelled ones.
        unlabeled: Number of unlabelled clips.
    """
    path: str
    splits: Tuple[str, str]
    layout: Union[str, Dict[str, Any]]
    source: str
    joints: int
    coordinates: int
    scored: bool
    persons: int
    classes: int
    img_shape: Optional[Tuple[int, int]]
    clips: int
    labeled: int
    unlabeled: int


def write_config(path: str, out: str, size: str = 'small',
                 labels: Optional[Labels] = None,
                 splits: Sequence[Optional[str]] = (None, None),
                 layout: Optional[str] = None,
                 img_shape: Optional[Tuple[int, int]] = None) -> Data:
    """Writes a config that trains PSP on an annotation file.

    It is loaded, and its datasets and model are built, before it is kept.

    Args:
        path (str): The annotation file, as the config names it.
        out (str): The config to write, which must not exist.
        size (str): ``'small'`` for CPUs, ``'full'`` for the sizes of the
            paper. Defaults to ``'small'``.
        labels (Labels, optional): The labelled clips. Defaults to None: all
            of the training split, with the split ``unlabeled`` as pool.
        splits (Sequence[str], optional): Training and validation split; those
            that are None are found by their names.
        layout (str, optional): Name of the joint layout, or a JSON file with
            a table. Defaults to None: that of the file's ``metainfo``, or the
            only one with as many joints.
        img_shape (tuple[int, int], optional): Height and width of the images
            of 2D clips. Defaults to None, that of each clip.

    Returns:
        Data: What was found.

    Raises:
        InputError: If something is missing or contradictory, or if the
            config exists.
    """
    if Path(out).exists():
        raise InputError(f'{out} exists: choose another name with -o, or '
                         'delete it')
    file = read_annotations(path)
    labels = choose_pool(file, labels or Labels())
    data = look_at(file, labels, splits, layout, img_shape)
    text = compose(data, labels, size, Path(out))
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(text, encoding='utf-8')
    try:
        build(out)
    except BaseException:
        Path(out).unlink()
        raise
    return data


def choose_pool(file: AnnotationFile, labels: Labels) -> Labels:
    """Takes the split ``unlabeled`` as pool if nothing else is given."""
    if labels == Labels() and 'unlabeled' in (file.splits or ()):
        return Labels(pool='unlabeled')
    return labels


def look_at(file: AnnotationFile, labels: Labels,
            splits: Sequence[Optional[str]], layout: Optional[str],
            img_shape: Optional[Tuple[int, int]]) -> Data:
    """Finds what the config needs, see :func:`write_config`."""
    train, val = find_splits(file, splits)
    clips, tests = select_clips(file, train), select_clips(file, val)
    kind = common_layout(clips)
    if kind is None:
        raise InputError(f'{file.path} has no valid clip in split {train!r}: '
                         '`python tools/data/check_dataset.py '
                         f'{file.path}` lists the problems')
    used = clips + tests
    classes = count_classes(file, used)
    chosen, source = find_layout(file, kind.joints, kind.coordinates, layout)
    labeled, pool = count_labeled(file, labels, train, clips, classes)
    if kind.coordinates == 2 and img_shape is None and any(
            clip.get('img_shape') is None for clip in used):
        raise InputError(
            f'{file.path} has 2D clips without img_shape, by which '
            'coordinates are scaled: give --img-shape HEIGHT WIDTH of the '
            'images (1 1 for coordinates from 0 to 1)')
    return Data(file.path, (train, val), chosen, source, kind.joints,
                kind.coordinates, kind.scores, count_persons(used), classes,
                img_shape, len(clips), labeled, pool)


def find_splits(file: AnnotationFile,
                given: Sequence[Optional[str]]) -> Tuple[str, str]:
    """Finds the training and the validation split by their names."""
    names = list(file.splits or ())
    found: List[str] = []
    for use, name in zip(('train', 'val'), given):
        fitting = [split for split in names if split.endswith(f'_{use}')]
        if name is None and use in names:
            name = use
        elif name is None and len(fitting) == 1:
            name = fitting[0]
        if name not in names:
            raise InputError(
                f'{file.path} has no split {name or use!r}, only '
                f'{several(names, 20)}: name one with --{use}-split')
        found.append(str(name))
    if found[0] == found[1]:
        raise InputError(f'split {found[0]!r} cannot both train and validate: '
                         'name another one with --val-split')
    return found[0], found[1]


def count_classes(file: AnnotationFile, clips: List[Dict[str, Any]]) -> int:
    """The number of classes by the names of the file, or by its labels."""
    labels = [clip.get('label') for clip in clips]
    wrong = [label for label in labels
             if label is not None and not is_integer(label)]
    if wrong:
        raise InputError(f'{file.path} has the label {several(wrong, 1)}, '
                         'but a config is written for one integer label a '
                         'clip: number the classes from 0')
    known: List[int] = [label for label in labels if label is not None]
    named = len(file.metainfo.get('classes') or ())
    if not known or max(known) >= named > 0:
        raise InputError(
            f'{file.path} has ' + ('no labels' if not known else
                                   f'label {max(known)}, but names {named} '
                                   'classes in its metainfo') +
            ': correct the labels')
    return named or max(known) + 1


def count_persons(clips: List[Dict[str, Any]]) -> int:
    """The largest number of persons that are in any frame of a clip."""
    return max(max(int(np.any(clip['keypoint'], (1, 2, 3)).sum()), 1)
               for clip in clips)


def find_layout(file: AnnotationFile, joints: int, coordinates: int,
                given: Optional[str]
                ) -> Tuple[Union[str, Dict[str, Any]], str]:
    """Returns the joint layout and where it comes from."""
    layout: Union[str, Dict[str, Any], None]
    if given is not None:
        layout, source = given, 'as given'
        if given.endswith('.json'):
            layout = read_table(given)
    elif file.metainfo.get('layout') is not None:
        layout, source = file.metainfo['layout'], 'named in the file'
    else:
        known = [name for name, pyramid in sorted(LAYOUTS.items())
                 if pyramid.num_joints == joints
                 and (coordinates == 2 or pyramid.zaxis is not None)]
        names = file.metainfo.get('joint_names')
        if names:
            known = []
        if len(known) != 1:
            raise InputError(
                f'{file.path} does not name the layout of its {joints} '
                f'joints{f" ({several(names, 3)})" if names else ""}, and '
                f'{several(known, 9) if known else "no layout"} of '
                f'{coordinates}D joints '
                f'{"has" if len(known) < 2 else "have"} '
                f'{"these" if names else "as many"}: give '
                '--layout NAME, or --layout FILE.json with a table, '
                '{"parts": [[...]], "bodies": [[...]]}')
        layout, source = known[0], (
            f'the only one of {joints} joints, which the file does not name')
    pyramid = get_pyramid(layout)
    if pyramid.num_joints != joints:
        raise InputError(
            f'layout {pyramid.name!r} has {pyramid.num_joints} joints, but '
            f'the clips of {file.path} have {joints}: give another --layout')
    return layout, source


def read_table(path: str) -> Dict[str, Any]:
    """Reads the table of a joint layout from a JSON file."""
    try:
        table = json.loads(Path(path).read_text(encoding='utf-8'))
    except ValueError as error:
        raise FileError(path, f'is not JSON ({error}): write the table of the '
                        'joint layout to it') from error
    if not isinstance(table, dict):
        raise FileError(path, 'is not a table of a joint layout: write '
                        '{"parts": [[...]], "bodies": [[...]]} to it')
    return table


def count_labeled(file: AnnotationFile, labels: Labels, train: str,
                  clips: List[Dict[str, Any]],
                  classes: int) -> Tuple[int, int]:
    """The numbers of labelled and of unlabelled clips."""
    lacking = sum(clip.get('label') is None for clip in clips)
    if labels.split_file is not None:
        return len(read_split(labels.split_file)), len(clips)
    if lacking:
        raise InputError(
            f'{lacking} of {len(clips)} clips of split {train!r} of '
            f'{file.path} have no label: list the others with '
            'tools/data/make_split.py and give --split-file FILE')
    if labels.ratio is not None:
        present = len(Counter(clip['label'] for clip in clips))
        return (clips_per_class(labels.ratio, len(clips), present) * present,
                len(clips))
    if labels.pool is None:
        raise InputError(
            f'{file.path} has no split of unlabelled clips: give '
            '--labeled-ratio R to hide the labels of the other training '
            'clips, --split-file FILE, or --unlabeled-split NAME')
    return len(clips), len(select_clips(file, labels.pool))


def compose(data: Data, labels: Labels, size: str, out: Path) -> str:
    """Returns the text of the config."""
    sizes: Dict[str, Any] = SIZES[size]
    batch = max(1, min(sizes['batch'], data.labeled))
    pool = min(sizes['pool'], data.unlabeled)
    if pool < 2:
        raise InputError(f'{data.path} has {data.unlabeled} unlabelled clips, '
                         'but a clip is contrasted with the others of its '
                         'batch: at least 2 are needed')
    iterations = max(ITERATIONS, data.unlabeled / pool)
    times = math.ceil(iterations * batch / data.labeled)
    is_3d = data.coordinates == 3
    bases = [f'_base_/{name}.py' for name in (
        'default_runtime', f'models/{sizes["model"]}',
        f'datasets/ntu60_{data.coordinates}d',
        f'schedules/{sizes["schedule"]}')]
    folder = os.path.relpath(configs_folder(), out.resolve().parent)
    bases = [Path(folder, base).as_posix() for base in bases]
    settings: Dict[str, Any] = dict(num_person=data.persons)
    settings.update(dict(main='first') if is_3d else {})
    settings.update(dict(img_shape=data.img_shape) if data.img_shape else {})
    changes = dict(splits=data.splits, frames=sizes['frames'],
                   batch_size=batch, unlabeled_batch_size=pool)
    if labels.ratio is not None:
        changes['labeled_ratio'] = labels.ratio
    if size == 'small':
        changes['num_workers'] = 0
    parts = [
        comment(data, size),
        f'_base_ = {literal(bases, 9)}\n'
        'from psp_plugin.configs import change_data, change_skeletons\n',
        f'ann_file = {data.path!r}\n'
        f'{call("change_data", "ann_file=ann_file", **changes)}'
        '# The joints: docs/guides/encoders.md, "Joint layouts".\n'
        f'layout = {literal(plain(data.layout), 9)}\n'
        f'{call("change_skeletons", "layout", **settings)}',
        model_part(data, size), VIEWS if is_3d else NO_VIEWS]
    if labels.pool is None:
        labeled = ('' if labels.split_file is None else
                   'labeled_ratio=None,\n            '
                   f'split_file={labels.split_file!r},')
        hidden = HIDDEN.format(times=times, labeled=labeled)
        parts.append('\n'.join(line for line in hidden.split('\n')
                               if line.strip() or not line))
    else:
        parts.append(TWO_SPLITS.format(times=times, train=data.splits[0],
                                       pool=labels.pool))
    if size == 'small':
        parts.append(BFLOAT16)
    parts.append(f'default_hooks = dict(checkpoint=dict(interval='
                 f'{sizes["interval"]}, max_keep_ckpts=3))\n')
    return '\n'.join(parts)


def comment(data: Data, size: str) -> str:
    """The first lines of the config: what was found in the file."""
    name = get_pyramid(data.layout).name
    scores = ' and scores' if data.scored else ''
    text = (
        f'PSP, {size}, on {Path(data.path).name}; written by '
        f'tools/new_config.py. {data.coordinates}D joints{scores}, layout '
        f'{name!r} ({data.source}), persons: {data.persons}, classes: '
        f'{data.classes}. Split {data.splits[0]!r} has {data.clips} clips; '
        f'labelled clips: {data.labeled}, unlabelled pool: {data.unlabeled}.')
    return textwrap.fill(text, 79, initial_indent='# ',
                         subsequent_indent='# ', break_long_words=False,
                         break_on_hyphens=False)


def model_part(data: Data, size: str) -> str:
    """The model's settings, among them the channels of unscored 2D clips."""
    channels = '' if data.coordinates == 3 or data.scored else 'in_channels=2'
    lines = ['model = dict(']
    if channels:
        lines.append(f'    stream_norm=dict({channels}),')
        lines.append(f'    backbone=dict({channels}),')
    if size == 'small':
        lines.append(SMALL_MODEL)
    lines.append(f'    cls_head=dict(num_classes={data.classes}))\n')
    return '\n'.join(lines)


def call(function: str, first: str, **settings: Any) -> str:
    """Formats a call on ``_base_``, an argument on each line."""
    lines = [f'{name}={value!r}' for name, value in settings.items()]
    return (f'{function}(\n    _base_,\n    ' +
            ',\n    '.join([first, *lines]) + ')\n')


def literal(value: Any, indent: int) -> str:
    """Formats a value over several lines that begin below its first."""
    text = pprint.pformat(value, width=79 - indent, sort_dicts=False)
    return text.replace('\n', '\n' + ' ' * indent)


def plain(value: Any) -> Any:
    """Replaces NumPy's numbers and arrays in a table by Python's."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return value


def configs_folder() -> Path:
    """The folder of the shipped configs, of a source tree or a wheel."""
    package = Path(psp_plugin.__file__).resolve().parent
    for folder in (package.parent / 'configs', package / '.mim' / 'configs'):
        if (folder / '_base_').is_dir():
            return folder
    raise InputError(f'there are no configs next to {package}: run this in '
                     'the source tree of psp_plugin')


def build(path: str) -> None:
    """Builds datasets and model of a config, as a training would."""
    cfg = Config.fromfile(path)
    check_run(cfg)
    cfg.merge_from_dict({
        option.split('=')[0]: int(option.split('=')[1])
        for option in class_options(cfg)})
    init_default_scope(cfg.default_scope)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        DATASETS.build(loader.dataset)[0]
    MODELS.build(cfg.model)
