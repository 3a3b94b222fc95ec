"""Annotation files: whether they are there, and what makes them."""
from pathlib import Path

# What to do about a missing file, by its name.
HOW_TO_MAKE = {
    'nwucla_3d.pkl':
    'make it with `python tools/data/convert_nwucla.py all_sqe.zip -o {path}`',
    'ntu60_3d.pkl':
    'download https://download.openmmlab.com/mmaction/v1.0/skeleton/data/'
    'ntu60_3d.pkl to {path}',
    'ntu60_2d.pkl':
    'download https://download.openmmlab.com/mmaction/v1.0/skeleton/data/'
    'ntu60_2d.pkl to {path}',
}


def annotation_path(dataset: dict) -> str:
    """The annotation file of a dataset config, '' if it has none."""
    path, root = dataset.get('ann_file') or '', dataset.get('data_root') or ''
    if not path or '://' in path:
        return path
    return f'{root}/{path}' if '://' in root else str(Path(root) / path)


def check_annotation_file(path: str) -> None:
    """Raises FileNotFoundError, saying how to make it, if a file is missing.

    Args:
        path (str): Path of an annotation file; remote ones (``s3://...``)
            are left to the toolbox.
    """
    if '://' in path or Path(path).is_file():
        return
    state = 'is a folder' if Path(path).is_dir() else 'does not exist'
    advice = HOW_TO_MAKE.get(
        Path(path).name, 'set ann_file to your annotation pickle')
    raise FileNotFoundError(f'annotation file {path} {state}: '
                            f'{advice.format(path=path)}')
