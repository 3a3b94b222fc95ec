"""Several augmented views of a clip."""
import copy
from typing import Any, Dict, List, Optional

from mmaction.datasets.transforms import PackActionInputs
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from psp_plugin.errors import InputError


@TRANSFORMS.register_module()
class MultiView(BaseTransform):
    """Applies several pipelines to a clip and packs their outputs as views.

    It is the last step of a pipeline. The random numbers of the views are
    independent.

    Source: MMDetection's ``MultiBranch``. Departures: every view is packed
    by its own pipeline; the clip is copied for each, because transforms of
    the toolbox modify arrays in place.

    Args:
        **views (list[dict | callable]): View name -> its transforms, the last
            of which must be ``PackActionInputs``.

    Raises:
        InputError: If there is no view, or one does not end with
            ``PackActionInputs``.
    """

    def __init__(self, **views: List[Any]) -> None:
        if not views:
            raise InputError('MultiView needs a view, such as '
                             'weak=[transforms]')
        self.views = {name: self._build(name, steps)
                      for name, steps in views.items()}

    @staticmethod
    def _build(name: str, steps: List[Any]) -> Compose:
        if not isinstance(steps, (list, tuple)):
            raise InputError(f'MultiView needs a list of transforms as view '
                             f'{name!r}, not {steps!r}')
        steps = [TRANSFORMS.build(step) if isinstance(step, dict) else step
                 for step in steps]
        if not steps or not isinstance(steps[-1], PackActionInputs):
            raise InputError(f'view {name!r} of MultiView must end with '
                             'PackActionInputs')
        return Compose(steps)

    def transform(self, results: Dict) -> Optional[Dict]:
        """Makes the views of a clip, which is not modified.

        Args:
            results (dict): The clip.

        Returns:
            dict: ``inputs`` and ``data_samples``, each a dict by view name;
            or None if a pipeline returns None.
        """
        packed = {name: view(copy.deepcopy(results))
                  for name, view in self.views.items()}
        if any(view is None for view in packed.values()):
            return None
        return {key: {name: view[key] for name, view in packed.items()}
                for key in ('inputs', 'data_samples')}

    def __repr__(self) -> str:
        views = ', '.join(f'{name}={view.transforms!r}'
                          for name, view in self.views.items())
        return f'{type(self).__name__}({views})'
