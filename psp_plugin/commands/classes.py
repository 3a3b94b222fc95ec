"""What the classes of a model are called."""
from typing import List, Optional, Sequence, Union

from mmengine.config import ConfigDict

from psp_plugin.recordings import read_classes


def class_names(num_classes: int,
                given: Optional[Union[str, Sequence[str]]] = None,
                meta: Optional[dict] = None,
                dataset: Optional[ConfigDict] = None) -> List[str]:
    """Finds the names of the classes.

    They are the given ones, else those of the checkpoint, else those of the
    config's test dataset, else numbers. Names of a checkpoint or config that
    are not as many as the classes belong to other data and are passed over.

    Args:
        num_classes (int): Number of classes of the model.
        given (str or Sequence[str], optional): The names, or a file with one
            on each line. Defaults to None.
        meta (dict, optional): The checkpoint's ``meta``. Defaults to None.
        dataset (ConfigDict, optional): The config's test dataset. Defaults
            to None.

    Returns:
        list[str]: One name a class.

    Raises:
        ValueError: If the given names are not as many as the classes, or if
            the file is missing or is no list of names.
    """
    if given is not None:
        names = read_classes(given) if isinstance(given, str) else list(given)
        if len(names) != num_classes:
            source = given if isinstance(given, str) else 'classes'
            raise ValueError(f'{source} names {len(names)} classes, but the '
                             f'model has {num_classes}')
        return names
    for source in ((meta or {}).get('dataset_meta'),
                   (dataset or {}).get('metainfo')):
        names = (source or {}).get('classes') or ()
        if not isinstance(names, str) and len(names) == num_classes:
            return list(map(str, names))
    return [f'class {label}' for label in range(num_classes)]
