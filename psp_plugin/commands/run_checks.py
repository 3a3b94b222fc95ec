"""Checks of a run's config before anything is built from it."""
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

from mmengine.config import Config

from psp_plugin.annotations import annotation_path, several
from psp_plugin.configs import LOADERS, find_dicts
from psp_plugin.errors import InputError


def annotation_paths(cfg: Any) -> Iterator[str]:
    """Yields the annotation file of every dataset in a nested config."""
    for _, part in find_dicts(cfg):
        if annotation_path(part):
            yield annotation_path(part)


def class_options(cfg: Config,
                  uses: Sequence[str] = LOADERS) -> List[str]:
    """Returns options that set ``num_classes`` of the checked datasets.

    They get the model's number of classes. A ``CheckedPoseDataset`` with its
    own ``num_classes`` keeps it. Datasets of hooks are not changed, because
    an unlabelled pool may have labels of other classes.

    Args:
        cfg (Config): The config of a run.
        uses (Sequence[str]): Config keys in use. Defaults to all dataloaders.

    Returns:
        list[str]: Values for ``--cfg-options``, as ``a.0.b=10``; none if the
        model has no ``cls_head.num_classes``.
    """
    classes = (cfg.get('model', {}).get('cls_head') or {}).get('num_classes')
    if classes is None:
        return []
    return [
        f'{place}.num_classes={classes}'
        for place, part in find_dicts(
            {key: cfg.get(key) for key in uses if key in LOADERS})
        if part.get('type') == 'CheckedPoseDataset'
        and part.get('num_classes') is None
    ]


def label_options(cfg: Config,
                  uses: Sequence[str] = LOADERS) -> List[str]:
    """Returns options that make datasets of a classifier require labels.

    A ``CheckedPoseDataset`` that is tested, or trained on outside of a
    ``SemiSupervisedDataset``, needs a label for every clip: without
    ``need_label=True`` the first unlabelled one would end in a traceback. One
    that sets ``need_label`` or ``drop_labels`` keeps it.

    Args:
        cfg (Config): The config of a run.
        uses (Sequence[str]): Config keys in use. Defaults to all dataloaders.

    Returns:
        list[str]: Values for ``--cfg-options``; none if the model has no
        ``cls_head``.
    """
    if not cfg.get('model', {}).get('cls_head'):
        return []
    parts = dict(find_dicts(
        {key: cfg.get(key) for key in uses if key in LOADERS}))
    pools = tuple(f'{place}.' for place, part in parts.items()
                  if part.get('type') == 'SemiSupervisedDataset')
    return [f'{place}.need_label=True' for place, part in parts.items()
            if part.get('type') == 'CheckedPoseDataset'
            and not place.startswith(pools)
            and part.get('need_label') is None
            and not part.get('drop_labels')]


def check_run(cfg: Config,
              uses: Sequence[str] = (*LOADERS, 'custom_hooks')) -> None:
    """Checks that the parts of a config are compatible.

    Warns if training and validation sample different numbers of frames.

    Args:
        cfg (Config): The config of a run.
        uses (Sequence[str]): Config keys in use. Defaults to all dataloaders
            and hooks.

    Raises:
        InputError: If the number of sampled frames differs from that of the
            encoder, if the number of named classes differs from that of the
            model, if unlabelled batches of one clip are to be contrasted, or
            if a pre-trained checkpoint is missing.
    """
    model = cfg.get('model', {})
    backbone = model.get('backbone') or {}
    if 'train_dataloader' in uses:  # a test loads its checkpoint instead
        check_pretrained(backbone.get('init_cfg'))
    fixed = backbone.get('temporal') == 'attention' or (
        backbone.get('type') == 'SkeletonTransformer')
    classes = (model.get('cls_head') or {}).get('num_classes')
    for place, part in find_dicts({key: cfg.get(key) for key in uses}):
        check_class_names(classes, place, part)
        if fixed:
            check_frames(backbone.get('num_frames'), place, part)
        loader = part.get('unlabeled_dataloader')
        if part.get('type') == 'InterleaveHook' and loader is not None:
            check_contrast(model.get('loss_con'), loader)
    warn_of_frames({key: cfg.get(key) for key in uses if key in LOADERS})


def warn_of_frames(loaders: Dict[str, Any]) -> None:
    """Warns if training and validation sample different numbers of frames.

    Encoders with temporal convolutions accept both, so that nothing else
    would show that a config changed one pipeline only.
    """
    frames = {key: {part['clip_len'] for _, part in find_dicts(loader)
                    if part.get('clip_len')}
              for key, loader in loaders.items()}
    train, val = (frames.get(key) for key in LOADERS[:2])
    if train and val and not train & val:
        warnings.warn(
            f'train_dataloader samples {sorted(train)} frames of a clip, '
            f'val_dataloader {sorted(val)}: if that is not intended, '
            'change_data(_base_, frames=...) sets all pipelines',
            stacklevel=2)


def check_frames(num_frames: Optional[int], place: str,
                 part: Dict[str, Any]) -> None:
    """Raises InputError if a transform samples another number of frames."""
    key = 'num_frames' if part.get('type') == 'RandomCropPose' else 'clip_len'
    if num_frames is not None and part.get(key) not in (None, num_frames):
        raise InputError(
            f'{place} samples {key}={part[key]} frames, but the backbone is '
            f'built for num_frames={num_frames}: give both the same')


def check_class_names(num_classes: Optional[int], place: str,
                      part: Dict[str, Any]) -> None:
    """Raises InputError if a dataset names more or fewer classes."""
    if not place.endswith('dataset') or num_classes is None:
        return
    names = (part.get('metainfo') or {}).get('classes')
    if isinstance(names, (list, tuple)) and len(names) != num_classes:
        raise InputError(
            f'{place}.metainfo names {len(names)} classes '
            f'({several(names, 3)}), but model.cls_head.num_classes is '
            f'{num_classes}: set num_classes to the number of classes, or '
            'name them all with metainfo=dict(classes=[...])')


def check_pretrained(init_cfg: Optional[Dict[str, Any]]) -> None:
    """Raises InputError if the file of pre-trained weights is missing."""
    checkpoint = (isinstance(init_cfg, dict)
                  and init_cfg.get('type') == 'Pretrained'
                  and str(init_cfg.get('checkpoint')))
    if checkpoint and '://' not in checkpoint and not Path(
            checkpoint).is_file():
        raise InputError(
            f'the pre-trained encoder {checkpoint} does not exist: run the '
            'pre-training first, or set model.backbone.init_cfg.checkpoint')


def check_contrast(loss_con: Optional[Dict[str, Any]],
                   loader: Dict[str, Any]) -> None:
    """Raises InputError if unlabelled batches are too small to contrast."""
    if loss_con and not loss_con.get('gather') and loader.get(
            'batch_size') == 1:
        raise InputError(
            'unlabeled_dataloader of InterleaveHook has batch_size=1, but a '
            'clip is contrasted with the others of its batch: raise it')
