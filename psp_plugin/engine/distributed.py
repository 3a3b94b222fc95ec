"""Distributed training on CPUs, and checks of processes against each other.

MMEngine's launchers call CUDA in every process, and its wrapper assigns a
CUDA device to every model. It does neither if a process group exists already
and the config sets ``device_ids=None``, as this module does on CPUs. MMEngine
does not detect processes that would wait for each other forever.
"""
import os
from datetime import timedelta
from typing import List, Sized

import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import all_gather_object
from mmengine.hooks import SyncBuffersHook
from mmengine.runner import Runner

from psp_plugin.errors import InputError

# Environment variables set by torchrun.
ENVIRONMENT = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR',
               'MASTER_PORT')
PROCESSES = 'processes'  # the message hub's key of their number


def join_cpu_processes(launcher: str, cfg: Config) -> List[str]:
    """Initialises a gloo process group, on machines without an accelerator.

    The backend in ``env_cfg.dist_cfg`` is ignored; its other entries are used
    as in MMEngine, so that ``timeout`` (in seconds; PyTorch's default is
    1,800) limits how long a process waits for another.

    Args:
        launcher (str): The tool's ``--launcher``. With ``'none'``, and on a
            machine with an accelerator, nothing is done.
        cfg (Config): The tool's config.

    Returns:
        list[str]: Values ``a.b=c`` that must be added to the tool's
        ``--cfg-options``.

    Raises:
        InputError: If the launcher is not ``'pytorch'``, or if its variables
            are not in the environment.
    """
    if launcher == 'none' or get_device() != 'cpu':
        return []
    if launcher != 'pytorch':
        raise InputError(f'--launcher {launcher} needs GPUs; without them use '
                         '`bash tools/dist_train.sh CONFIG PROCESSES`')
    absent = [name for name in ENVIRONMENT if name not in os.environ]
    if absent:
        raise InputError(
            f'--launcher pytorch finds no {", ".join(absent)} in the '
            'environment: start with torchrun, as `bash tools/dist_train.sh '
            'CONFIG PROCESSES` does, or leave the launcher out')
    kwargs = dict(cfg.get('env_cfg', {}).get('dist_cfg', {}), backend='gloo')
    kwargs.pop('init_backend', None)
    if kwargs.get('timeout') is not None:
        kwargs['timeout'] = timedelta(seconds=kwargs['timeout'])
    dist.init_process_group(**kwargs)
    return wrapper_options(cfg)


def wrapper_options(cfg: Config) -> List[str]:
    """Returns options to wrap the model without a CUDA device.

    If the config has no wrapper, the other options are MMEngine's defaults.

    Args:
        cfg (Config): The tool's config.
    """
    options = ['model_wrapper_cfg.device_ids=None']
    if cfg.get('model_wrapper_cfg') is None:
        unused = cfg.get('find_unused_parameters', False)
        options += [
            'model_wrapper_cfg.type=MMDistributedDataParallel',
            'model_wrapper_cfg.broadcast_buffers=False',
            f'model_wrapper_cfg.find_unused_parameters={unused}',
        ]
    return options


def check_equal_epochs(loader: Sized) -> None:
    """Checks that an epoch has the same length in every process.

    Otherwise the first process to finish would wait forever for the others in
    a validation that they never start.

    Args:
        loader (Sized): The train dataloader of this process.

    Raises:
        InputError: In every process, if the lengths differ.
    """
    lengths = all_gather_object(len(loader))
    if len(set(lengths)) > 1:
        raise InputError(
            f'ranks 0 to {len(lengths) - 1} have {lengths} labelled batches '
            'an epoch, which must be the same: are the annotation files the '
            'same on all machines, and does the sampler have round_up=True?')


def check_processes(runner: Runner) -> None:
    """Checks that all processes resume, as many as saved the checkpoint.

    Args:
        runner (Runner): The runner, its checkpoint loaded. Their number is
            recorded for its next checkpoint.

    Raises:
        InputError: In every process, if not.
    """
    places, size = all_gather_object(runner.iter), runner.world_size
    if len(set(places)) > 1:
        raise InputError(
            f'ranks 0 to {size - 1} begin at iterations {places}: all '
            'machines must see the same work_dir, where rank 0 saves the '
            'checkpoints')
    before = runner.message_hub.get_info(PROCESSES)
    if runner.iter > 0 and before not in (None, size):
        raise InputError(
            f'the checkpoint is of a run with {before} processes and this is '
            f'one with {size}: start {before}, or leave out --resume and '
            'begin with its weights (--cfg-options load_from=CHECKPOINT)')
    runner.message_hub.update_info(PROCESSES, size)
    if runner.iter > 0 and size > 2 and is_rounded_anew(runner):
        runner.logger.warning(
            f'Resuming {size} processes: sums over them are rounded in '
            'another way than without the interruption. It would be the same '
            'with find_unused_parameters=True and SyncStatisticsHook from '
            'the start.')


def is_rounded_anew(runner: Runner) -> bool:
    """Whether sums over three or more processes differ in a resumed run.

    After the first step, DistributedDataParallel arranges gradients in the
    order in which they came, unless ``find_unused_parameters=True``; the
    place of a gradient decides in which order those of the processes are
    added. MMEngine's ``SyncBuffersHook`` averages constants.
    """
    return (not getattr(runner.model, 'find_unused_parameters', True)
            or any(type(hook) is SyncBuffersHook for hook in runner.hooks))
