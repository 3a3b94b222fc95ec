"""Patches for the released MMAction2 1.2.0 wheel on current PyTorch.

Patches are independent of each other. Each applies only if its problem is
present, returns whether it applied, and can be deleted once a toolbox release
contains the fix.
"""
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

MISSING_MMCV = ('psp_plugin needs mmcv, which is not installed: run '
                '`pip install "mmcv-lite>=2.0.0,<2.2.0"`, or install `mmcv` '
                'of the same versions if you need compiled ops')


def require_mmcv() -> None:
    """Checks that ``mmcv`` or ``mmcv-lite`` is installed.

    Both install the package folder ``mmcv``, so the plugin's requirements
    cannot name one without breaking the other.

    Raises:
        ImportError: If ``mmcv`` cannot be found.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ImportError(MISSING_MMCV)


def patch_importlib_metadata() -> bool:
    """Replaces a missing ``importlib_metadata`` by the standard library.

    ``mmaction.utils.dependency`` imports the back-port without declaring it;
    the names it uses are those of :mod:`importlib.metadata`.
    """
    if importlib.util.find_spec('importlib_metadata') is not None:
        return False
    sys.modules['importlib_metadata'] = importlib.metadata
    return True


def patch_missing_drn() -> bool:
    """Makes ``mmaction.models`` importable without its DRN localizer.

    The wheel lacks the folder ``mmaction/models/localizers/drn``, which
    ``localizers/__init__.py`` imports. Building the placeholder raises an
    ImportError.
    """
    toolbox = importlib.util.find_spec('mmaction')
    if toolbox is None:
        raise ImportError('psp_plugin needs MMAction2, which is not installed:'
                          ' run `pip install mmaction2`')
    root = Path(toolbox.submodule_search_locations[0])
    name = 'mmaction.models.localizers.drn'
    if (root / 'models/localizers/drn').is_dir() or name in sys.modules:
        return False

    class DRN:
        """Placeholder for the localizer that the wheel does not contain."""

        def __init__(self, *args, **kwargs) -> None:
            raise ImportError('DRN is missing from the released mmaction2 '
                              'wheel: install MMAction2 from source to use it')

    package, module = ModuleType(name), ModuleType(f'{name}.drn')
    package.__path__ = []
    package.drn, module.DRN = module, DRN
    sys.modules[package.__name__] = package
    sys.modules[module.__name__] = module
    return True


def patch_new_transformers() -> bool:
    """Disables the toolbox's multimodal models if they cannot be imported.

    ``mmaction.models`` imports them as soon as ``transformers`` is installed,
    but they need functions that newer releases of it moved elsewhere. The
    toolbox then uses its placeholders, as without ``transformers``.
    """
    found = importlib.util.find_spec('transformers')
    if found is None or not found.submodule_search_locations:
        return False
    # The source is searched, since importing it takes seconds.
    file = Path(found.submodule_search_locations[0], 'modeling_utils.py')
    if file.is_file() and 'apply_chunking_to_forward' in file.read_text(
            encoding='utf-8'):
        return False
    from mmaction.utils import dependency
    patched = dependency.WITH_MULTIMODAL
    dependency.WITH_MULTIMODAL = False
    return patched


def patch_checkpoint_loading() -> None:
    """Makes MMEngine checkpoints loadable by PyTorch's safe loader.

    Since 2.6 ``torch.load`` only builds allow-listed types. A checkpoint of
    MMEngine also contains its log history: ``HistoryBuffer`` objects and the
    NumPy arrays and scalars in them. All of these are plain data, so they are
    allow-listed; the safe loader stays on for everything else. A
    ``HistoryBuffer`` also refers to its statistics (``min``, ``mean`` ...) by
    ``getattr``, which is replaced by a function that returns only these.
    """
    import pickle

    import numpy as np
    import torch
    from mmengine.logging import HistoryBuffer
    # NumPy 2 renamed `numpy.core` to `numpy._core`; a checkpoint may come
    # from either, so both names are allowed.
    core = getattr(np, '_core', None) or np.core
    helpers = (core.multiarray._reconstruct, core.multiarray.scalar)
    allowed = [HistoryBuffer, np.ndarray, np.dtype]
    for package in ('numpy.core', 'numpy._core'):
        allowed += [(f, f'{package}.multiarray.{f.__name__}') for f in helpers]
    allowed += [type(np.dtype(code)) for code in '?bhilqBHILQefd']

    def get_statistic(owner, name):
        if owner is HistoryBuffer and name in owner._statistics_methods:
            return owner._statistics_methods[name]
        raise pickle.UnpicklingError(f'getattr({owner!r}, {name!r}) is not '
                                     'allowed in a checkpoint')

    HistoryBuffer()  # registers its default statistics
    allowed.append((get_statistic, 'builtins.getattr'))
    torch.serialization.add_safe_globals(allowed)


def apply() -> None:
    """Applies every patch whose problem is present."""
    require_mmcv()
    patch_importlib_metadata()
    patch_missing_drn()
    patch_new_transformers()
    patch_checkpoint_loading()
