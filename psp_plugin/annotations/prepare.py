"""Turns an annotation pickle into a prepared file, and checks its clips."""
import contextlib
import hashlib
import os
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
)

from psp_plugin.errors import InputError

from .clip_checks import find_problems
from .file import (
    AnnotationError,
    AnnotationFile,
    InvalidClip,
    absent_clips,
    read_annotations,
    repeated_names,
)
from .invalid_clips import check_policy
from .prepared import (
    PreparedClips,
    Unstorable,
    Writer,
    is_prepared,
    written,
)


class Preparation(NamedTuple):
    """What was written.

    Args:
        clips: Number of clips.
        left_out: The clips that were left out, and why.
        sha256: Hash of the contents.
    """
    clips: int
    left_out: List[InvalidClip]
    sha256: str


def prepare(path: str,
            output: str,
            invalid_clips: str = 'stop',
            need_points: bool = True,
            drop_labels: bool = False,
            progress: Callable[[Sequence[Any]], Iterable[Any]] = iter
            ) -> Preparation:
    """Writes a file that datasets open without reading its clips.

    Clips are checked here, once: all of :func:`find_problems` that does not
    depend on the use of the file, names that occur twice, and names in a
    split only. Number of classes, missing labels, lists of labels and the
    joints of a split are compared when the file is opened. It takes the
    memory of the pickle and one clip.

    Args:
        path (str): An annotation pickle.
        output (str): The file to write; one that was prepared before is
            replaced.
        invalid_clips (str): ``'stop'`` to refuse a file with an invalid clip,
            ``'skip'`` to leave such clips out. Defaults to ``'stop'``.
        need_points (bool): Whether clips must have key points. Defaults to
            True.
        drop_labels (bool): Whether labels are left out without being checked,
            for unlabelled pools. Defaults to False.
        progress (Callable): Wraps the list of clips during iteration.
            Defaults to ``iter``.

    Raises:
        ValueError: If the policy is unknown; as an :class:`InputError`, if
            the pickle cannot be read, has an invalid clip or one that cannot
            be stored, or if the output cannot be written.
        FileNotFoundError: If the pickle is missing.
    """
    check_policy(invalid_clips)
    check_target(path, output)
    file = read_annotations(path)
    if isinstance(file.clips, PreparedClips):
        raise InputError(f'{path} is prepared already: use it as it is')
    left_out = unusable_names(file)
    if left_out and invalid_clips == 'stop':
        raise refusal(path, left_out[0])
    source = (f'SHA-256 {sha256_of(path)}, {invalid_clips}, {need_points}, '
              f'{drop_labels}')
    with written(output) as stream:
        writer = Writer(stream, file.key, source)
        numbers = write_clips(writer, file, left_out, dict(
            invalid_clips=invalid_clips, need_points=need_points,
            drop_labels=drop_labels, progress=progress))
        with storable(f'{path}: metainfo or the name of a split'):
            sha256 = writer.finish(numbered(file, numbers), file.metainfo)
    return Preparation(writer.count, left_out, sha256)


def write_clips(writer: Writer, file: AnnotationFile,
                left_out: List[InvalidClip], options: Dict[str, Any]
                ) -> Dict[str, Optional[int]]:
    """Checks and writes the clips.

    Args:
        writer (Writer): The file to write.
        file (AnnotationFile): The clips.
        left_out (list[InvalidClip]): Gets those that are left out.
        options (dict): The arguments of :func:`prepare`.

    Returns:
        dict[str, int]: The number of each clip, None for one left out.
    """
    numbers: Dict[str, Optional[int]] = {}
    for clip in options['progress'](file.clips):
        name = clip[file.key]
        if name in numbers:
            continue  # of repeated names the first counts, as in datasets
        if options['drop_labels']:
            clip.pop('label', None)
        problem = next(find_problems(clip, multi_class=True, need_points=(
            options['need_points'])), None)
        numbers[name] = writer.count if problem is None else None
        if problem is None:
            with storable(f'{file.path}: clip {name!r}'):
                writer.add(clip)
        elif options['invalid_clips'] == 'stop':
            raise refusal(file.path, InvalidClip(name, problem))
        else:
            left_out.append(InvalidClip(name, problem))
    if not writer.count:
        raise AnnotationError(
            f'{file.path} has no valid clip: `python tools/data/'
            f'check_dataset.py {file.path}` lists the problems')
    return numbers


def check_target(path: str, output: str) -> None:
    """Raises InputError if a file must not be overwritten."""
    if os.path.realpath(path) == os.path.realpath(output):
        raise InputError(f'{output} is to be read, but also to be written: '
                         'choose another name for the output')
    if output.lower().endswith('.pkl'):
        raise InputError(f'{output} would not be a pickle: choose another '
                         f'name, such as {output[:-4]}.clips')
    if os.path.exists(os.path.realpath(output)) and not is_prepared(output):
        raise InputError(f'{output or "."} exists and is not a prepared file: '
                         'choose another name, or remove it')


def unusable_names(file: AnnotationFile) -> List[InvalidClip]:
    """The names that occur twice, or in a split without an annotation."""
    return [clip for split in file.splits or ()
            for clip in absent_clips(file, split)
            ] + repeated_names(file, file.clips)


def refusal(path: str, clip: InvalidClip) -> AnnotationError:
    """Returns the error of the first invalid clip."""
    return AnnotationError(
        f'{path}: clip {clip.name!r} {clip.problem.text}: correct the file, '
        'or leave such clips out with --invalid-clips skip; `python tools/'
        f'data/check_dataset.py {path}` lists all')


@contextlib.contextmanager
def storable(what: str) -> Iterator[None]:
    """Names the clip that cannot be stored."""
    try:
        yield
    except Unstorable as error:
        raise InputError(f'{what} has {error}, which a prepared file cannot '
                         'hold: remove it, or use the pickle') from error


def numbered(file: AnnotationFile, numbers: Dict[str, Optional[int]]
             ) -> Optional[Dict[Any, Sequence[int]]]:
    """Returns the numbers of the clips of each split."""
    if file.splits is None:
        return None
    return {split: [number for number in map(numbers.get, names)
                    if number is not None]
            for split, names in file.splits.items()}


def sha256_of(path: str) -> str:
    """Computes the SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, 'rb') as stream:
        for part in iter(lambda: stream.read(1 << 20), b''):
            digest.update(part)
    return digest.hexdigest()
