"""The code of every rank, which saves its results to a file."""
import os
import signal
import socket
import time
from pathlib import Path
from typing import Callable, Dict, List

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from cases import (
    NORMS,
    Contrast,
    build_recognizer,
    differentiate,
    draw_batch,
    draw_features,
    share_of,
    take_steps,
)
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.model import MMDistributedDataParallel, convert_sync_batchnorm
from runs import ScaledChance, build_config, pretrain, train
from unlabeled_cases import compute

from psp_plugin.engine.distributed import join_cpu_processes

LIMIT = 900  # seconds after which the tests give up on a rank


def wrap(model: torch.nn.Module, **kwargs) -> MMDistributedDataParallel:
    return MMDistributedDataParallel(
        module=model, broadcast_buffers=False, **kwargs)


def error_of(function: Callable, *args, **kwargs) -> str:
    try:
        function(*args, **kwargs)
    except (ValueError, RuntimeError) as error:
        return str(error)
    return 'no error'


def contrast(rank: int, world_size: int) -> dict:
    """Losses, gradients and weights on this rank's share."""
    joint, motion = share_of(dict(enumerate(draw_features(world_size))), rank,
                             world_size).values()
    batch = draw_batch(world_size)
    share = share_of(batch, rank, world_size)
    out = {f'features, gather={gather}': differentiate(
        wrap(Contrast(gather)), joint=joint, motion=motion)
        for gather in (True, False)}
    for norm in NORMS:
        model = wrap(build_recognizer(norm, True, world_size))
        out[norm] = differentiate(model, **share, mode='loss')
    out['steps'] = take_steps(wrap(build_recognizer('none', True)), share)
    # Parameters used only by a left-out level get no gradient.
    level = wrap(build_recognizer('none', True,
                                  level_weights=dict(part=0, body=1)),
                 find_unused_parameters=True)
    out['left-out level'] = take_steps(level, share)
    short = {level: x[int(rank == 0):] for level, x in joint.items()}
    out['unequal'] = error_of(Contrast(True), short, short)
    return out


def sync_batch_norm(share: dict) -> dict:
    """SyncBatchNorm, as far as a CPU supports it."""
    model = convert_sync_batchnorm(build_recognizer('batch', True), 'torch')
    return dict(converted=[type(module).__name__ for module in model.modules()
                           if 'BatchNorm' in type(module).__name__],
                step=error_of(model, **share, mode='loss'),
                wrapped=error_of(wrap, model))


def sampled() -> dict:
    """The clips, of 7, that samplers assign to this rank."""
    infinite = iter(InfiniteSampler(range(7), seed=0))
    return dict(default=list(DefaultSampler(range(7), seed=0)),
                infinite=[next(infinite) for _ in range(7)])


def runs(rank: int, folder: Path) -> dict:
    """Small runs of the runner: plain ones and one with unequal ranks."""
    out = dict(plain=train(build_config(folder / 'plain', times=2)))
    fewer = build_config(folder / 'fewer')
    fewer.custom_hooks[0].unlabeled_dataloader.dataset = dict(
        fewer.train_dataloader.dataset.dataset.dataset,
        num_clips=12 if rank else 28)
    out['fewer unlabelled'] = train(fewer)
    own = build_config(folder / 'labelled')
    if rank:
        own.train_dataloader.dataset.dataset.labeled_per_class = 1
    out['fewer labelled'] = error_of(train, own)
    monitor = {'default_hooks.contrast.action': 'stop',
               'default_hooks.contrast.warm_up': 0,
               'model.loss_con.gather': False}
    for name, factors in (('at chance', (0.95, 1.05)),
                          ('one at chance', (1., 1.1))):
        out[name] = error_of(train, build_config(folder / name, **monitor),
                             hooks=[ScaledChance(factors[rank])])
    supervised = build_config(folder / 'supervised',
                              model=dict(neck=None, projector=None,
                                         loss_con=None))
    supervised.custom_hooks = []
    out['supervised'] = train(supervised)
    out['pretraining'] = pretrain(folder / 'pretraining',
                                  folder / 'nwucla.pkl')
    return out


def fails_before_training(rank: int, folder: Path) -> None:
    """The unlabelled clips of the last rank are not on its disk."""
    cfg = build_config(folder / 'before')
    if rank:
        cfg.custom_hooks[0].unlabeled_dataloader.dataset = dict(
            type='PoseDataset', ann_file='not_here.pkl', pipeline=[])
    train(cfg)


def dies_in_a_step(rank: int, world_size: int) -> None:
    """The last rank is killed; the others continue."""
    model = wrap(build_recognizer('none', True))
    share = share_of(draw_batch(world_size), rank, world_size)
    take_steps(model, share, steps=1)
    if rank == world_size - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    take_steps(model, share, steps=2)


def hangs(rank: int, folder: Path) -> None:
    """The last rank does not participate until the other has timed out."""
    if rank == 0:
        dist.barrier()
    while not (folder / 'noticed').exists():
        time.sleep(0.1)


def timed(function: Callable, *args) -> dict:
    """The error that a function raises, and the time until then."""
    started = time.time()
    try:
        function(*args)
    except RuntimeError as error:
        return dict(error=str(error), seconds=time.time() - started)
    return dict(error='no error', seconds=time.time() - started)


def join(rank: int, world_size: int, port: int, **dist_cfg) -> None:
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size),
        MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port),
        CUDA_VISIBLE_DEVICES='-1')  # as on a machine without GPUs
    join_cpu_processes(
        'pytorch', Config(dict(env_cfg=dict(dist_cfg=dist_cfg))))


def run_rank(rank: int, world_size: int, ports: List[int],
             folder: Path) -> None:
    """Runs all cases of a world size, those that end ranks last."""
    torch.set_num_threads(1)
    join(rank, world_size, ports[0], backend='nccl', timeout=LIMIT)
    out = dict(backend=dist.get_backend(), contrast=contrast(rank, world_size))
    if world_size == 2:
        share = share_of(draw_batch(world_size), rank, world_size)
        out.update(sync_batch_norm=sync_batch_norm(share), sampled=sampled(),
                   methods=compute(wrap, rank, world_size),
                   runs=runs(rank, folder))
        dist.barrier()
        dist.destroy_process_group()
        join(rank, world_size, ports[1], timeout=5)
        out['hang'] = timed(hangs, rank, folder)
        (folder / 'noticed').touch()
        dist.destroy_process_group()
        join(rank, world_size, ports[2], timeout=LIMIT)
    torch.save(out, folder / f'{rank}.pt')
    out['end'] = (timed(dies_in_a_step, rank, world_size) if world_size > 2
                  else timed(fails_before_training, rank, folder))
    torch.save(out, folder / f'{rank}.pt')


def free_ports(count: int) -> List[int]:
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def run_ranks(world_size: int, folder: Path) -> Dict[int, dict]:
    """Starts the ranks without a launcher that would end them together.

    Args:
        world_size (int): Number of ranks.
        folder (Path): For their files.

    Returns:
        dict[int, dict]: Per rank what it saved, and its ``exitcode``.
    """
    context, ports = mp.get_context('spawn'), free_ports(3)
    processes = [
        context.Process(target=run_rank, args=(rank, world_size, ports,
                                               folder))
        for rank in range(world_size)]
    for process in processes:
        process.start()
    ends = time.time() + LIMIT
    for process in processes:
        process.join(max(0, ends - time.time()))
    for process in processes:
        process.kill()
        process.join()
    return {rank: dict(torch.load(folder / f'{rank}.pt'),
                       exitcode=process.exitcode)
            for rank, process in enumerate(processes)}
