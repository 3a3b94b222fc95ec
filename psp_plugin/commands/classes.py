"""Names of the classes of a model."""
from typing import Any, Dict, List, Optional, Sequence, Union

from mmengine.config import ConfigDict

from psp_plugin.recordings import read_classes


def class_names(num_classes: int,
                given: Optional[Union[str, Sequence[str]]] = None,
                meta: Optional[Dict[str, Any]] = None,
                dataset: Optional[ConfigDict] = None) -> List[str]:
    """Finds the names of the classes.

    Sources in order: ``given``, the checkpoint, the config's test dataset,
    and ``class 0``, ``class 1`` etc. Names of a checkpoint or config are
    ignored if their number differs from the number of classes.

    Args:
        num_classes (int): Number of classes of the model.
        given (str or Sequence[str], optional): The names, or a file with one
            on each line. Defaults to None.
        meta (dict, optional): The checkpoint's ``meta``. Defaults to None.
        dataset (ConfigDict, optional): The config's test dataset. Defaults
            to None.

    Returns:
        list[str]: One name per class.

    Raises:
        ValueError: If the number of given names differs from the number of
            classes, or if the file is missing or not a list of names.
    """
    if given is not None:
        names = read_classes(given) if isinstance(given, str) else list(given)
        if len(names) != num_classes:
            source = given if isinstance(given, str) else 'classes'
            raise ValueError(f'{source} names {len(names)} classes, but the '
                             f'model has {num_classes}')
        return names
    for info in ((meta or {}).get('dataset_meta'),
                 (dataset or {}).get('metainfo')):
        found = (info or {}).get('classes') or ()
        if not isinstance(found, str) and len(found) == num_classes:
            return list(map(str, found))
    return [f'class {label}' for label in range(num_classes)]
