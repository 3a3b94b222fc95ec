# The toolbox's default runtime with exact resume, checkpoints that are written
# atomically, a stop at NaN (docs/guides/resume.md) and a warning if the
# contrast learns nothing (docs/guides/diagnostics.md). It does not inherit
# `mmaction::_base_/default_runtime.py`, for which MMEngine 0.10.7 needs
# pkg_resources, which setuptools dropped in version 81.
custom_imports = dict(imports=['psp_plugin'], allow_failed_imports=False)
default_scope = 'mmaction'

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='AtomicCheckpointHook', interval=1, save_best='auto'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncStatisticsHook'),
    exact_resume=dict(type='ExactResumeHook'),
    non_finite=dict(type='StopOnNonFiniteHook'),
    contrast=dict(type='ContrastMonitorHook'))

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))

log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=vis_backends)
log_level = 'INFO'
load_from = None
resume = False
