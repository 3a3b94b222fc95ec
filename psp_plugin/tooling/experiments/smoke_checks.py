"""The checks of one config: a reduced config and commands that run it."""
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from psp_plugin.configs import find_dicts

from ..benchmark import use_synthetic_clips
from ..benchmark.synthetic_clips import count_classes

CLIPS = 80  # or two per class, if more; half of them are labelled
ENCODER = 'encoder'  # folder of the pre-training that a config starts from


class Check(NamedTuple):
    """A command that must succeed.

    Args:
        name (str): Name, such as ``'resume'``.
        command (list[str]): Program and arguments.
    """
    name: str
    command: List[str]


def make_config(path: str, folder: Path) -> Path:
    """Writes a config that trains in seconds on random clips of its layout.

    It is in float32; checks in half precision set it by options. If the
    config starts from an encoder that a config in the same folder pre-trains,
    that config is written as well, and the checkpoint is the one that its
    check saves (see :func:`chains`).

    Args:
        path (str): The config.
        folder (Path): Folder of the reduced config and its clips.

    Returns:
        Path: The reduced config.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cfg = Config.fromfile(path)
    init_default_scope('mmaction')
    if any('ann_file' in part for _, part in find_dicts(cfg)):
        use_synthetic_clips(cfg, folder, max(CLIPS, 2 * count_classes(cfg)))
    cfg.optim_wrapper.type = 'OptimWrapper'
    for _, part in find_dicts(cfg):
        if part.get('type') == 'SemiSupervisedDataset':
            part.update(labeled_ratio=0.5, labeled_per_class=None)
        if part.get('type') == 'RepeatDataset':
            part['times'] = 1
        if 'batch_size' in part:
            part.update(batch_size=16, num_workers=1)
        if 'num_clips' in part and 'clip_len' in part:  # of a sampler
            part['num_clips'] = min(2, part['num_clips'])
        if 'milestones' in part:
            part['milestones'] = [1000]
        if 'T_max' in part:
            part['T_max'] = 1000
    source = source_of(path, cfg)
    if source is not None:
        make_config(str(source), folder / ENCODER)
        cfg.model.backbone.init_cfg.checkpoint = str(
            folder / ENCODER / 'run' / 'epoch_1.pth')
    file = folder / 'config.py'
    cfg.dump(str(file))
    return file


def source_of(path: str, cfg: Config) -> Optional[Path]:
    """Returns the config next to this one that pre-trains its encoder, if any.

    Args:
        path (str): Path of the config.
        cfg (Config): The config.
    """
    init_cfg = cfg.model.backbone.get('init_cfg')
    if not isinstance(init_cfg, dict) or 'checkpoint' not in init_cfg:
        return None
    name = Path(init_cfg['checkpoint']).parent.name
    source = Path(path).with_name(f'{name}.py')
    return source if source.is_file() else None


def chains(config: Path, tools: Path, folder: Path, clip: str, port: int,
           compiled: bool) -> List[List[Check]]:
    """Returns chains of checks; in a chain, each needs the previous ones.

    MMEngine's AMP is checked only on a GPU, which it needs. Pre-training is
    not tested, as it predicts nothing. A config that starts from a
    pre-trained encoder has one chain, which begins with the pre-training.

    Args:
        config (Path): The config that :func:`make_config` wrote.
        tools (Path): Folder of the scripts.
        folder (Path): Folder of the runs.
        clip (str): A clip for ``tools/infer.py``; '' if there is none.
        port (int): Port of the process group.
        compiled (bool): Whether to add a check with a compiled encoder.
    """
    cfg = Config.fromfile(str(config))
    bf16 = ['optim_wrapper.type=BFloat16OptimWrapper']
    by_epoch = 'max_epochs' in cfg.train_cfg
    length = 'train_cfg.max_epochs' if by_epoch else 'train_cfg.max_iters'
    extra = ['train_cfg.val_interval=1',
             'default_hooks.checkpoint.interval=1']

    def script(name: str, *arguments: str) -> List[str]:
        return [sys.executable, str(tools / f'{name}.py'), str(config),
                *arguments]

    def train(run: str, steps: int, *options: str, flags: Sequence[str] = (),
              ) -> List[str]:
        return script('train', '--work-dir', str(folder / run), *flags,
                      '--cfg-options', f'{length}={steps}', *extra, *options)

    checkpoint = str(folder / 'fp32' /
                     ('epoch_2.pth' if by_epoch else 'iter_2.pth'))
    plain = [Check('train', train('fp32', 1)),
             Check('resume', train('fp32', 2, flags=['--resume']))]
    predicts = cfg.model.type != 'HACMPretrainer'
    if predicts:
        plain.append(Check('test', script('test', checkpoint, '--work-dir',
                                          str(folder / 'test'))))
    if predicts and clip:
        plain.append(Check('infer', script('infer', checkpoint, clip)))
    found = [
        plain,
        [Check('bf16', train('bf16', 1, *bf16))],
        [Check('one process of a group', [
            sys.executable, '-m', 'torch.distributed.run',
            '--nproc_per_node=1', f'--master_port={port}',
            *train('group', 1, flags=['--launcher', 'pytorch'])[1:]])],
    ]
    if torch.cuda.is_available():
        found.append([
            Check('amp', train('amp', 1, flags=['--amp'])),
            Check('amp resume', train('amp', 2, flags=['--amp', '--resume']))])
    if compiled:  # the slowest first
        found.insert(0, [Check('bf16 compiled', train(
            'compiled', 1, *bf16, 'default_hooks.compile.type=CompileHook'))])
    encoder = folder / ENCODER
    if encoder.is_dir():
        pre_training = Check('pre-training', [
            sys.executable, str(tools / 'train.py'),
            str(encoder / 'config.py'), '--work-dir', str(encoder / 'run'),
            '--cfg-options', 'train_cfg.max_epochs=1',
            'default_hooks.checkpoint.interval=1'])
        found = [[pre_training, *(check for chain in found
                                  for check in chain)]]
    return found
