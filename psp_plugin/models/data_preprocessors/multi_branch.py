"""Prepares batches that hold several branches."""
from typing import Optional

from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor


@MODELS.register_module()
class MultiBranchPreprocessor(BaseDataPreprocessor):
    """Passes every branch through a toolbox preprocessor of its own.

    A batch whose ``inputs`` are a dict of branches, as ``InterleaveHook``
    makes them, is prepared branch by branch; any other batch (validation,
    test, supervised training) is prepared as the labelled branch.

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
                with the keys ``labeled`` and ``unlabeled``.
            training (bool): Whether training-time augmentation is enabled.
                Defaults to False.

        Returns:
            dict: The same structure, inputs as batched tensors on the device
            of the model that the preprocessor is part of.
        """
        if not isinstance(data['inputs'], dict):
            return self.labeled(data, training)
        prepared = {
            branch: getattr(self, branch)(
                {key: data[key][branch] for key in data}, training)
            for branch in data['inputs']
        }
        return {
            key: {branch: prepared[branch][key] for branch in prepared}
            for key in data
        }
