"""Prepares batches that hold several branches."""
from typing import Optional

from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor


@MODELS.register_module()
class MultiBranchPreprocessor(BaseDataPreprocessor):
    """Passes every branch through a toolbox preprocessor of its own.

    A batch whose ``inputs`` are a dict of branches, as ``InterleaveHook``
    makes them, is prepared branch by branch, and view by view where a branch
    is a dict of views (``MultiView``); any other batch (validation, test,
    supervised training) is prepared as the labelled branch.

    Args:
        labeled (dict): Preprocessor of the labelled branch. Defaults to
            ``dict(type='ActionDataPreprocessor')``.
        unlabeled (dict, optional): Preprocessor of the unlabelled branch.
            Defaults to that of the labelled one.
    """

    def __init__(self,
                 labeled: dict = dict(type='ActionDataPreprocessor'),
                 unlabeled: Optional[dict] = None) -> None:
        super().__init__()
        self.labeled = MODELS.build(labeled)
        self.unlabeled = MODELS.build(unlabeled or labeled)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Stacks, casts and moves a batch.

        Args:
            data (dict): ``inputs`` and ``data_samples``, plain or as dicts
                with the keys ``labeled`` and ``unlabeled``, each a batch or a
                dict of views.
            training (bool): Whether training-time augmentation is enabled.
                Defaults to False.

        Returns:
            dict: The same structure, inputs as batched tensors on the device
            of the model that the preprocessor is part of.
        """
        return self._prepare(data, training, self.labeled)

    def _prepare(self, data: dict, training: bool,
                 prepare: BaseDataPreprocessor) -> dict:
        if not isinstance(data['inputs'], dict):
            return prepare(data, training)
        prepared = {
            name: self._prepare({key: data[key][name] for key in data},
                                training, getattr(self, name, prepare))
            for name in data['inputs']
        }
        return {
            key: {name: prepared[name][key] for name in prepared}
            for key in data
        }
