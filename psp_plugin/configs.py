"""Finds settings of a nested config, and changes inherited ones."""
import copy
import math
from typing import (
    Any,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from mmengine.config import Config

from psp_plugin.errors import InputError
from psp_plugin.skeletons import get_pyramid

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def change_data(base: Dict[str, Any], *, frames: Optional[int] = None,
                ann_file: Optional[str] = None,
                splits: Optional[Tuple[str, str]] = None,
                labeled_ratio: Optional[float] = None,
                batch_size: Optional[int] = None,
                unlabeled_batch_size: Optional[int] = None,
                num_workers: Optional[int] = None,
                keep: Sequence[str] = ()) -> None:
    """Changes settings of the data in every place of an inherited config.

    MMEngine merges no lists, so that a config would have to repeat entire
    pipelines to change their frames, and ``custom_hooks`` to change the batch
    size of the unlabelled branch. In a config, below ``_base_``::

        _base_ = 'psp_ntu60_xsub_5p.py'
        from psp_plugin.configs import change_data

        change_data(_base_, frames=64, batch_size=32)

    The import has to follow ``_base_``: MMEngine takes a file that starts with
    an import for one of its new-style configs. What the config itself sets
    below is merged as usual.

    Args:
        base (dict): ``_base_`` of the config, changed in place.
        frames (int, optional): Frames of a clip: ``clip_len`` and
            ``num_frames`` in the loaders, in the pipelines that are named
            variables, and in the encoder where it is built for a number of
            frames. Defaults to no change.
        ann_file (str, optional): Annotation file of the train, validation and
            test loaders, and the variable ``ann_file`` where there is one. A
            ``dataset`` of ``InterleaveHook`` keeps its own. Defaults to no
            change.
        splits (tuple[str, str], optional): Split of the training clips, split
            of the validation and test clips, for the same loaders. Defaults
            to no change.
        labeled_ratio (float, optional): Label fraction of the training clips.
            ``times`` of the ``RepeatDataset`` around them changes inversely,
            rounded, so that an epoch keeps its length. Defaults to no change.
        batch_size (int, optional): Clips of a training batch, labelled and
            unlabelled. Defaults to no change.
        unlabeled_batch_size (int, optional): Unlabelled clips of a training
            batch. Defaults to ``batch_size``.
        num_workers (int, optional): Workers of each loader; 0 also switches
            ``persistent_workers`` off. Defaults to no change.
        keep (Sequence[str]): Names of variables that keep their frames.
            Defaults to none.

    Raises:
        InputError: If a setting is out of range, or if the inherited config
            has no place for it.
    """
    _check_counts(1, frames=frames, batch_size=batch_size,
                  unlabeled_batch_size=unlabeled_batch_size)
    _check_counts(0, num_workers=num_workers)
    loaders = {key: base.get(key) or {} for key in LOADERS}
    hooked = [hook['unlabeled_dataloader']
              for hook in base.get('custom_hooks') or []
              if 'unlabeled_dataloader' in hook]
    if frames is not None:
        _change([value for key, value in base.items() if key not in keep],
                ('clip_len', 'num_frames'), frames, 'frames')
    if ann_file is not None:
        _change(loaders, ('ann_file', ), ann_file, 'ann_file')
        if 'ann_file' in base:
            base['ann_file'] = ann_file
    if splits is not None:
        _change_splits(loaders, splits)
    if labeled_ratio is not None:
        _change_labeled_ratio(loaders['train_dataloader'], labeled_ratio)
    if batch_size is not None:
        _change([loaders['train_dataloader']], ('batch_size', ), batch_size,
                'batch_size')
        for loader in hooked:
            loader['batch_size'] = batch_size
    if unlabeled_batch_size is not None:
        _change(hooked, ('batch_size', ), unlabeled_batch_size,
                'unlabeled_batch_size')
    if num_workers is not None:
        _change_workers([loaders, hooked], num_workers)


def change_skeletons(base: Dict[str, Any], layout: Union[str, Dict[str, Any]],
                     *, num_person: Optional[int] = None,
                     main: Optional[str] = None,
                     img_shape: Optional[Tuple[int, int]] = None) -> None:
    """Changes joints and persons in every place of an inherited config.

    The layout, named once, goes to the pyramid of the neck, to
    ``NormalizeSkeleton3D``, whose joints it brings, and to
    ``RandomFlipPose``; its number of joints to encoder and head. Used as
    :func:`change_data` is.

    Args:
        base (dict): ``_base_`` of the config, changed in place.
        layout (str or dict): Name or table of the joint layout, see
            :func:`psp_plugin.skeletons.get_pyramid`.
        num_person (int, optional): Persons of a clip that the model sees.
            Defaults to no change.
        main (str, optional): How ``NormalizeSkeleton3D`` chooses the main
            person. Defaults to no change.
        img_shape (tuple[int, int], optional): Height and width of the images
            that ``PreNormalize2D`` takes for clips without. Defaults to no
            change.

    Raises:
        InputError: If the layout is unknown or invalid, if a number is out of
            range, or if the inherited config has no place for a setting.
    """
    _check_counts(1, num_person=num_person)
    try:
        joints = get_pyramid(layout).num_joints
    except ValueError as error:
        raise InputError(str(error)) from error
    _change_model(base.get('model'), layout, joints)
    transforms: Dict[str, List[Dict[str, Any]]] = {}
    for _, part in find_dicts(base):
        transforms.setdefault(str(part.get('type')), []).append(part)
    for part in transforms.get('NormalizeSkeleton3D', []):
        for axis in ('center', 'zaxis', 'xaxis'):
            part.pop(axis, None)
    changes: List[Tuple[str, str, Any]] = [
        ('NormalizeSkeleton3D', 'layout', layout),
        ('RandomFlipPose', 'layout', layout),
        ('NormalizeSkeleton3D', 'main', main),
        ('FormatGCNInput', 'num_person', num_person),
        ('PreNormalize2D', 'img_shape', img_shape)]
    for kind, key, value in changes:
        if value is None:
            continue
        if key != 'layout' and kind not in transforms:
            raise InputError(f'{key}={value!r}: the inherited config has no '
                             f'{kind} to change')
        for part in transforms.get(kind, []):
            part[key] = copy.deepcopy(value)


def _change_model(model: Any, layout: Union[str, Dict[str, Any]],
                  joints: int) -> None:
    """Sets layouts and numbers of joints in every part of a model."""
    parts = [part for _, part in find_dicts(model)]
    if any('graph_cfg' in part for part in parts):
        raise InputError(
            'change_skeletons does not know the graph of graph_cfg: set '
            'graph_cfg.layout in the config to dict(num_node=..., inward=[...'
            '], center=...)')
    if not any('num_joints' in part or 'layout' in part for part in parts):
        raise InputError(f'layout={layout!r}: the inherited config has no '
                         'num_joints or layout in its model to change, so set '
                         'it where the config needs it')
    for part in parts:
        if part.get('num_joints') is not None:
            part['num_joints'] = joints
        if part.get('layout') is not None:
            part['layout'] = copy.deepcopy(layout)


def _check_counts(least: int, **counts: Optional[int]) -> None:
    """Raises InputError unless all are None or integers from ``least``."""
    for name, count in counts.items():
        if count is not None and (type(count) is not int or count < least):
            raise InputError(f'{name}={count!r} must be an integer of at '
                             f'least {least}')


def _change_splits(loaders: Dict[str, Any], splits: Tuple[str, str]) -> None:
    """Sets the split of the training, and of the other two loaders."""
    if isinstance(splits, str) or len(splits) != 2:
        raise InputError(f'splits={splits!r} must be two names: of the '
                         'training split and of the split that is tested')
    train, *tests = loaders.values()
    _change(train, ('split', ), splits[0], 'splits')
    _change([test for test in tests if test], ('split', ), splits[1],
            'splits')


def _change_labeled_ratio(loader: Dict[str, Any], ratio: float) -> None:
    """Sets the label fraction, and the repetitions that go with it."""
    if not 0 < ratio <= 1:
        raise InputError(f'labeled_ratio={ratio!r} must be a share of the '
                         'training clips, above 0 and at most 1')
    for _, repeat in find_dicts(loader):
        if repeat.get('type') == 'RepeatDataset':
            before = repeat['dataset'].get('labeled_ratio', ratio)
            times = repeat['times'] * before / ratio
            repeat['times'] = max(1, math.floor(times + 0.5))
    _change(loader, ('labeled_ratio', ), ratio, 'labeled_ratio')


def _change_workers(loaders: List[Any], count: int) -> None:
    """Sets the number of workers; without any, none can persist."""
    _change(loaders, ('num_workers', ), count, 'num_workers')
    for _, loader in find_dicts(loaders):
        if count == 0 and 'persistent_workers' in loader:
            loader['persistent_workers'] = False


def _change(part: Any, keys: Sequence[str], value: Any, setting: str) -> None:
    """Sets a value in all dictionaries that have one of the keys."""
    places = [(found, key) for _, found in find_dicts(part) for key in keys
              if found.get(key) is not None]
    if not places:
        raise InputError(f'{setting}={value!r}: the inherited config has no '
                         f'{" or ".join(keys)} to change, so set it where '
                         'the config needs it')
    for found, key in places:
        found[key] = value


def find_dicts(cfg: Any,
               place: str = '') -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Yields the path, as ``a.0.b``, and every dict of a nested config."""
    if isinstance(cfg, (dict, Config)):
        if isinstance(cfg, dict):
            yield place, cfg
        parts = cfg.items()
    elif isinstance(cfg, (list, tuple)):
        parts = enumerate(cfg)
    else:
        return
    for key, part in parts:
        yield from find_dicts(part, f'{place}.{key}' if place else str(key))
