"""Compiles parts of a model for training."""
from typing import Sequence

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from psp_plugin.errors import InputError


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles modules of the model with ``torch.compile``, as full graphs.

    MMEngine's option ``compile=True`` compiles the training step, which
    breaks into many graphs where the toolbox leaves PyTorch. The encoder is
    one graph. Checkpoints do not change. The first step of every batch size
    is slow, as it compiles; keep ``drop_last=True``, or allow varying sizes
    with ``dynamic=True``.

    In a config::

        default_hooks = dict(compile=dict(type='CompileHook'))

    Args:
        modules (Sequence[str]): Names of the modules. Defaults to
            ``('backbone', )``.
        **options: Arguments of :func:`torch.compile`. Defaults to
            ``fullgraph=True``.

    Raises:
        InputError: In ``before_train``, if the model has no such module, or
            does not call its ``forward``, as masked pre-training does not
            call that of its encoder.
    """

    def __init__(self, modules: Sequence[str] = ('backbone', ),
                 **options) -> None:
        self.modules = tuple(modules)
        self.options = dict(dict(fullgraph=True), **options)

    def before_train(self, runner: Runner) -> None:
        """Marks modules for compilation, which happens at their first call.

        Args:
            runner (Runner): The runner.
        """
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        for name in self.modules:
            if name == 'backbone' and hasattr(model, 'reconstruct'):
                raise InputError(
                    'CompileHook compiles the forward call of the encoder, '
                    f'which {type(model).__name__} does not make: set its '
                    "modules to ('decoder', ), or remove the hook")
            if name not in dict(model.named_modules()):
                raise InputError(f'CompileHook is to compile {name!r}, but '
                                 f'{type(model).__name__} has no such module: '
                                 'correct its modules')
            model.get_submodule(name).compile(**self.options)
