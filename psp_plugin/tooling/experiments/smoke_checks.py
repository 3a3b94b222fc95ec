"""The checks of one config: it is cut down, and commands are made for it."""
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from psp_plugin.commands.run_checks import find_dicts

from ..benchmark import use_synthetic_clips
from ..benchmark.synthetic_clips import count_classes

CLIPS = 80  # at least, and two of each class; half of them are labelled
ENCODER = 'encoder'  # folder of the pre-training that a config goes on from


class Check(NamedTuple):
    """A command that has to end well.

    Args:
        name (str): Such as ``'resume'``.
        command (list[str]): Program and arguments.
    """
    name: str
    command: List[str]


def make_config(path: str, folder: Path) -> Path:
    """Writes a config cut down to seconds, with random clips of its layout.

    It is in float32: the checks say which of them train in half precision.
    Where it takes the encoder of a pre-training in the same folder, that
    config is written as well, and the checkpoint is the one that a check
    makes of it (:func:`chains`).

    Args:
        path (str): The config.
        folder (Path): Where it and its clips go.

    Returns:
        Path: The config to run.
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
    """The config beside this one whose pre-trained encoder it takes, if any.

    Args:
        path (str): The config's file.
        cfg (Config): What is in it.
    """
    init_cfg = cfg.model.backbone.get('init_cfg')
    if not isinstance(init_cfg, dict) or 'checkpoint' not in init_cfg:
        return None
    name = Path(init_cfg['checkpoint']).parent.name
    source = Path(path).with_name(f'{name}.py')
    return source if source.is_file() else None


def chains(config: Path, tools: Path, folder: Path, clip: str, port: int,
           compiled: bool) -> List[List[Check]]:
    """The checks of a config; those of a chain need each other.

    MMEngine's AMP is among them on a GPU alone, which it needs. Pre-training
    predicts nothing: it is neither tested nor asked for a class. What takes
    its encoder has one chain, which begins with the pre-training.

    Args:
        config (Path): The config, as :func:`make_config` writes it.
        tools (Path): Folder of the scripts.
        folder (Path): Of the runs.
        clip (str): A clip for ``tools/infer.py``; '' if there is none.
        port (int): For the process group.
        compiled (bool): Whether the encoder is compiled as well.
    """
    cfg = Config.fromfile(str(config))
    bf16 = ['optim_wrapper.type=BFloat16OptimWrapper']
    if cfg.model.backbone.type == 'DSTANet':
        bf16.append('model.backbone.channels_last=True')
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
