"""PSP Learning (arXiv 2302.02327) for MMAction2.

Importing the package registers every component under the ``mmaction`` scope::

    custom_imports = dict(imports=['psp_plugin'], allow_failed_imports=False)
"""
from . import compat

compat.apply()

from . import datasets, engine, models
from .version import __version__

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'models']
