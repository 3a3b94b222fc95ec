"""Plans the runs of a table: configs, seeds and options."""
import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from mmengine.config import Config

from psp_plugin.commands.command_line import add_cfg_options, read_config
from psp_plugin.configs import find_dicts
from psp_plugin.errors import FileError, InputError

TEST_SPLIT = 'test_dataloader.dataset.split'


@dataclass(frozen=True)
class Run:
    """One config with one seed.

    Args:
        name (str): Name of the config, such as ``psp_nwucla_xview_5p``,
            including its folders below ``configs``.
        config (str): Path of the config.
        seed (int): Seed of initialisation, clip order and labelled split.
        folder (Path): Work dir of the run.
        labels (str): Description of the labelled split, for tables.
        length (int): Epochs or iterations of its training.
        options (tuple[str]): Arguments of ``--cfg-options``.
        splits (tuple[str]): Splits to test on, the config's first.
        settings (str): Hash of the entire config and the seed, which
            identifies a finished run.
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
    """Plans every config with every seed, config by config.

    Args:
        configs (Sequence[str]): Paths of configs.
        seeds (Sequence[int]): Seeds.
        work_dir (str): Folder of the table; a run is in
            ``<work_dir>/<name>/seed<seed>``.
        options (Sequence[str]): Options for all configs, ``key=value``.
            Defaults to none.
        splits (Sequence[str]): Splits to test on in addition to those of the
            configs. Defaults to none.

    Raises:
        InputError: If a config is missing, cannot be read or is listed twice,
            if it has no test split that could be replaced, or if it saves
            checkpoints elsewhere.
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
        name (str): Name of the runs.
        config (str): Path of the config.
        seeds, work_dir, options, splits: See :func:`plan_runs`. ``{seed}`` in
            an option is replaced with the seed, for example in the path of a
            pre-trained checkpoint.

    Raises:
        InputError: See :func:`plan_runs`.
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
        raise FileError(config, f'has no {TEST_SPLIT} to set to '
                        f'{splits[0]!r}')
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    if hook.get('out_dir'):
        raise FileError(config, 'has default_hooks.checkpoint.out_dir, '
                        'in which all configs would share the folder of a '
                        'seed: remove it, --work-dir is where runs are saved')
    places = _seed_places(cfg)
    return Run(
        name=name, config=config, seed=seed,
        folder=Path(work_dir, name, f'seed{seed}'),
        labels=_labels(cfg), length=_length(cfg),
        options=(*options, *(f'{place}={seed}' for place in places)),
        splits=tuple(dict.fromkeys([own or 'test', *splits])),
        settings=_hash(cfg, seed))


def has_changed(run: Run) -> bool:
    """Whether its config differs from that with which it was planned.

    Args:
        run (Run): The run, which may have waited for long.

    Raises:
        FileError: If the config cannot be read any more.
    """
    seeds = _seed_places(load_config(run.config, run.options))
    options = run.options[:len(run.options) - len(seeds)]
    return _hash(load_config(run.config, options), run.seed) != run.settings


def load_config(path: str, options: Sequence[str]) -> Config:
    """Reads a config and applies options as the toolbox's scripts do.

    Raises:
        FileError: If the config cannot be read.
    """
    if not Path(path).is_file():
        raise FileError(path, 'does not exist')
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_cfg_options(parser)
    try:
        return read_config(parser.parse_args(
            ['--cfg-options', *options] if options else [],
            argparse.Namespace(config=path)))
    except Exception as error:  # a config is code and can raise any exception
        raise FileError(path, 'cannot be read with these options: '
                        f'{type(error).__name__}: {error}') from error


def config_name(path: str) -> str:
    """Returns the path of a config below ``configs``, or else its stem."""
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
    """Returns the keys that a config has for seeds, besides ``--seed``."""
    places = [f'{place}.seed' for place, _ in _labeled_views(cfg)]
    if cfg.get('randomness') is not None:  # takes precedence over --seed
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
    """Hashes everything that determines the results of a run."""
    content = {key: value for key, value in cfg.to_dict().items()
               if key != 'work_dir'}
    for _, part in find_dicts(content):
        if part.get('collate_fn') == dict(type='compact_collate'):
            del part['collate_fn']  # the batches are the same without it
        if part.get('type') == 'SyncStatisticsHook':
            part['type'] = 'SyncBuffersHook'  # the same in one process
    text = json.dumps([seed, content], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
