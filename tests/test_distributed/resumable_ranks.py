"""Runs of several processes, which may be killed and resumed."""
import os
import time
from pathlib import Path
from typing import List

from mmengine.config import Config
from ranks import free_ports
from resumable_runs import resumable_config, run_script, start


def ranks_config(ann_file: str, work_dir: Path, loop: str = 'epoch',
                 size: int = 2) -> Config:
    """Nine iterations of each process, as in ``resumable_config``."""
    cfg = resumable_config(ann_file, work_dir, loop)
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset.dataset.labeled_per_class = size
    cfg.find_unused_parameters = size > 2
    return cfg


def train_ranks(cfg: Config, *args: str, size: int = 2) -> List[int]:
    """Runs ``tools/train.py`` in several processes, see ``train``.

    Args:
        cfg (Config): The config, which is written to the run's folder.
        *args (str): Arguments after the config.
        size (int): Number of processes. Defaults to 2.

    Returns:
        list[int]: Their exit statuses.
    """
    folder, port = Path(cfg.work_dir), free_ports(1)[0]
    folder.mkdir(exist_ok=True)
    cfg.dump(str(folder / 'config.py'))
    processes = [start(run_rank, folder, args, dict(
        RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=size, MASTER_ADDR='127.0.0.1',
        MASTER_PORT=port, CUDA_VISIBLE_DEVICES=-1)) for rank in range(size)]
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def run_rank(folder: Path, args: tuple, environment: dict) -> None:
    """Runs the script as torchrun does."""
    os.environ.update({key: str(x) for key, x in environment.items()})
    os.chdir(folder)  # MMEngine collects validations in .dist_test here
    run_script(folder, ['--launcher', 'pytorch', *args])


def kill_ranks_and_resume(cfg: Config, rank: int, size: int = 2,
                          **kill) -> None:
    """Trains until a process is killed, then resumes all.

    Args:
        cfg (Config): The run.
        rank (int): The process that is killed; the others end with an error.
        size (int): Number of processes. Defaults to 2.
        **kill: Arguments of ``KillRun``.
    """
    cfg = cfg.copy()
    cfg.custom_hooks = [*cfg.custom_hooks,
                        dict(type='KillRun', rank=rank, **kill)]
    ends = train_ranks(cfg, size=size)
    assert ends.pop(rank) == -9 and set(ends) == {1}
    time.sleep(1 - time.time() % 1)  # log folders are named by the second
    assert train_ranks(cfg, '--resume', size=size) == [0] * size
