"""Leaves configs as they are, where they are imported from.

MMEngine has YAPF format the config five times a run and once a checkpoint. Of
a training of six steps that is most of the time.
"""
import mmengine.config.config as config

config.FormatCode = lambda text, **style: (text, True)
