"""Once imported, MMEngine writes configs without formatting them.

It has YAPF format the config four times a run and once a checkpoint, which is
most of the time of a training of six steps.
"""
import mmengine.config.config as config

config.FormatCode = lambda text, **style: (text, True)
