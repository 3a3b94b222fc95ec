"""Which runs a table needs, and the arguments of each."""
import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from mmengine.config import Config

from psp_plugin.commands.command_line import add_cfg_options, read_config
from psp_plugin.commands.run_checks import find_dicts
from psp_plugin.errors import FileError, InputError

TEST_SPLIT = 'test_dataloader.dataset.split'


@dataclass(frozen=True)
class Run:
    """One config with one seed.

    Args:
        name (str): Of the config, as ``psp_nwucla_xview_5p``; with the folders
            between it and one named ``configs``.
        config (str): Path of the config.
        seed (int): Of initialisation, order and labelled clips.
        folder (Path): Where all of the run is written.
        labels (str): Which clips are labelled, for the reader.
        length (int): Epochs or iterations of its training.
        options (tuple[str]): Settings for ``--cfg-options``.
        splits (tuple[str]): Splits to test on, the config's own first.
        settings (str): Hash of the whole config, by which a finished run is
            known again.
    """
    name: str
    config: str
    seed: int
    folder: Path
    labels: str
    length: int
    options: Tuple[str, ...]
    splits: Tuple[str, ...]
    settings: str


def plan_runs(configs: Sequence[str], seeds: Sequence[int], work_dir: str,
              options: Sequence[str] = (),
              splits: Sequence[str] = ()) -> List[Run]:
    """Plans every config with every seed, seeds first.

    Args:
        configs (Sequence[str]): Paths of configs.
        seeds (Sequence[int]): Seeds.
        work_dir (str): Folder of the table; a run is in
            ``<work_dir>/<name>/seed<seed>``.
        options (Sequence[str]): Settings for all configs, ``key=value``.
            Defaults to none.
        splits (Sequence[str]): Splits to test on beside the configs' own.
            Defaults to none.

    Raises:
        InputError: If a config is missing, cannot be read or is there twice,
            if it has no split to be tested on, or if it saves elsewhere.
    """
    runs, seen = [], {}
    for config in configs:
        name = config_name(config)
        if name in seen:
            raise InputError(f'{config} and {seen[name]} have the same name, '
                             f'{name}: run them into two work dirs')
        seen[name] = config
        runs += plan_config(name, config, seeds, work_dir, options, splits)
    return runs


def plan_config(name: str, config: str, seeds: Sequence[int], work_dir: str,
                options: Sequence[str] = (),
                splits: Sequence[str] = ()) -> List[Run]:
    """Plans one config with every seed.

    Args:
        name (str): What the runs are called.
        config (str): Path of the config.
        seeds, work_dir, options, splits: As of :func:`plan_runs`. In an
            option ``{seed}`` stands for the seed, as in the path of a
            checkpoint that was pre-trained with it.

    Raises:
        InputError: As of :func:`plan_runs`.
    """
    return [
        plan_seed(name, config, seed, work_dir,
                  [option.replace('{seed}', str(seed)) for option in options],
                  splits) for seed in dict.fromkeys(seeds)
    ]


def plan_seed(name: str, config: str, seed: int, work_dir: str,
              options: Sequence[str], splits: Sequence[str]) -> Run:
    """Plans one run, see :func:`plan_config`."""
    cfg = load_config(config, options)
    own = (cfg.get('test_dataloader') or {}).get('dataset', {}).get('split')
    if splits and own is None:
        raise FileError(config, f'has no {TEST_SPLIT} to be set to '
                        f'{splits[0]!r}')
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    if hook.get('out_dir'):
        raise FileError(config, 'has default_hooks.checkpoint.out_dir, '
                        'where all configs would share the folder of a '
                        'seed: take it out, --work-dir says where to save')
    places = _seed_places(cfg)
    return Run(
        name=name, config=config, seed=seed,
        folder=Path(work_dir, name, f'seed{seed}'),
        labels=_labels(cfg), length=_length(cfg),
        options=(*options, *(f'{place}={seed}' for place in places)),
        splits=tuple(dict.fromkeys([own or 'test', *splits])),
        settings=_hash(cfg, seed))


def load_config(path: str, options: Sequence[str]) -> Config:
    """Reads a config and gives it options as the toolbox's scripts do.

    Raises:
        FileError: If it cannot be read.
    """
    if not Path(path).is_file():
        raise FileError(path, 'does not exist')
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_cfg_options(parser)
    try:
        return read_config(parser.parse_args(
            ['--cfg-options', *options] if options else [],
            argparse.Namespace(config=path)))
    except Exception as error:  # a config is code, which can raise any other
        raise FileError(path, 'cannot be read with these options: '
                        f'{type(error).__name__}: {error}') from error


def config_name(path: str) -> str:
    """Name of a config: the path below the folder ``configs``, or its stem."""
    parts = Path(path).resolve().with_suffix('').parts
    if 'configs' not in parts[:-1]:
        return parts[-1]
    last = len(parts) - 1 - parts[:-1][::-1].index('configs')
    return '/'.join(parts[last:])


def _labeled_views(cfg: Config) -> Iterator[Tuple[str, dict]]:
    for place, part in find_dicts(cfg):
        if part.get('type') == 'SemiSupervisedDataset':
            yield place, part


def _seed_places(cfg: Config) -> List[str]:
    """Where a config has seeds of its own, beside ``--seed``."""
    places = [f'{place}.seed' for place, _ in _labeled_views(cfg)]
    if cfg.get('randomness') is not None:  # it goes before --seed
        places.append('randomness.seed')
    return places


def _labels(cfg: Config) -> str:
    views = [view for place, view in _labeled_views(cfg)
             if view.get('subset', 'labeled') == 'labeled']
    if not views:
        return 'all'
    view = views[0]
    if view.get('split_file') is not None:
        return f'{Path(view["split_file"]).name}, whatever the seed'
    if view.get('labeled_per_class') is not None:
        return f'{view["labeled_per_class"]} a class'
    return f'{100 * view["labeled_ratio"]:g}%'


def _length(cfg: Config) -> int:
    loop = cfg.get('train_cfg') or {}
    length: Optional[int] = loop.get('max_epochs') or loop.get('max_iters')
    if length is None:
        raise FileError(cfg.filename, 'has no train_cfg with max_epochs or '
                        'max_iters: it cannot be trained')
    return length


def _hash(cfg: Config, seed: int) -> str:
    """What two runs have in common that give the same numbers."""
    content = {key: value for key, value in cfg.to_dict().items()
               if key != 'work_dir'}
    text = json.dumps([seed, content], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
