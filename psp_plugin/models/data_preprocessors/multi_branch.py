"""Prepares batches with several branches."""
from typing import Callable, Optional

from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor


@MODELS.register_module()
class MultiBranchPreprocessor(BaseDataPreprocessor):
    """Preprocesses each branch of a batch with its own toolbox preprocessor.

    A batch whose ``inputs`` are a dict of branches, as ``InterleaveHook``
    creates, is prepared branch by branch, and view by view if a branch is a
    dict of views (``MultiView``); any other batch (validation, test,
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
            dict: The same structure, inputs as batched tensors on the model's
            device.
        """
        if not isinstance(data['inputs'], dict):
            return self.labeled(data, training)
        return split_batch(data, lambda branch, part: prepare_views(
            getattr(self, branch), part, training))


def prepare_views(prepare: BaseDataPreprocessor, data: dict,
                  training: bool) -> dict:
    """Preprocesses a branch, or each of its views.

    Args:
        prepare (BaseDataPreprocessor): The preprocessor.
        data (dict): ``inputs`` and ``data_samples``, lists or dicts of views.
        training (bool): Whether training-time augmentation is enabled.
    """
    if not isinstance(data['inputs'], dict):
        return prepare(data, training)
    return split_batch(data, lambda _, view: prepare(view, training))


def split_batch(data: dict, prepare: Callable[[str, dict], dict]) -> dict:
    """Prepares each part of a batch, branch or view, separately.

    Args:
        data (dict): ``inputs`` and ``data_samples``, dicts by part.
        prepare (Callable): Maps a part's name and batch.
    """
    prepared = {
        name: prepare(name, {key: data[key][name] for key in data})
        for name in data['inputs']
    }
    return {key: {name: part[key] for name, part in prepared.items()}
            for key in data}
