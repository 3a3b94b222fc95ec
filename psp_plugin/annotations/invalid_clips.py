"""Policies for a clip that fails in training: stop, or use another one."""
import logging
from typing import Any, Callable, Dict

from mmengine.logging import print_log

POLICIES = ('stop', 'skip')
# If this many consecutive clips fail, the pipeline is the likely cause.
IN_A_ROW = 10
SWITCH = (", or have CheckedPoseDataset replace it by the next clip with "
          "invalid_clips='skip'")


class InvalidClipError(RuntimeError):
    """Raised for an invalid clip; the message names it and its problem."""


def check_policy(invalid_clips: str) -> None:
    """Raises ValueError unless a policy is ``'stop'`` or ``'skip'``."""
    if invalid_clips not in POLICIES:
        raise ValueError(f"invalid_clips must be 'stop' or 'skip', not "
                         f'{invalid_clips!r}')


def clip_name(info: Dict[str, Any]) -> str:
    """The name of a clip: ``frame_dir``, or else ``filename``.

    Raises:
        ValueError: If the annotation has neither.
    """
    for key in ('frame_dir', 'filename'):
        if key in info:
            return str(info[key])
    raise ValueError('an annotation has neither frame_dir nor filename, but '
                     f'only {sorted(info)}: a split needs clip names')


def pass_pipeline(pipeline: Callable[[Dict[str, Any]], Any],
                  info: Dict[str, Any], source: str) -> Any:
    """Applies a pipeline to a clip, with an error that names the clip.

    Args:
        pipeline (Callable): The transforms.
        info (dict): The annotation of the clip.
        source (str): The clip's file and split, for the message.

    Returns:
        Any: The output of the pipeline.

    Raises:
        InvalidClipError: If the pipeline raises, or returns None.
    """
    clip = f'clip {clip_name(info)!r} of {source}'
    try:
        packed = pipeline(info)
    except MemoryError:  # not a problem of the clip
        raise
    except Exception as error:
        detail = ' '.join(str(error).split())
        raise InvalidClipError(f'{clip} does not pass the pipeline '
                           f'({type(error).__name__}: {detail})') from error
    if packed is None:
        raise InvalidClipError(f'the pipeline returned None for {clip}')
    return packed


def take_clip(prepare: Callable[[int], Any], index: int, length: int,
              invalid_clips: str, test_mode: bool = False) -> Any:
    """Prepares a clip, or with ``'skip'`` the next valid one in its place.

    The replacement depends only on the index, not on workers, processes or
    earlier draws.

    Args:
        prepare (Callable): Returns the clip of an index, or raises
            InvalidClipError.
        index (int): Index of the clip.
        length (int): The number of clips.
        invalid_clips (str): ``'stop'`` or ``'skip'``.
        test_mode (bool): Whether this is a test, in which no clip is
            replaced. Defaults to False.

    Returns:
        Any: The value returned by ``prepare``.

    Raises:
        InvalidClipError: If the policy is to stop; or if ten clips in a row,
            or all of fewer than ten, are invalid.
    """
    if test_mode or invalid_clips == 'stop':
        try:
            return prepare(index)
        except InvalidClipError as error:
            raise InvalidClipError(f'{error}: correct it, or remove it from '
                                   'the file' + ('' if test_mode else SWITCH)
                                   ) from error
    tries = min(IN_A_ROW, length)
    for offset in range(tries):
        try:
            return prepare((index + offset) % length)
        except InvalidClipError as error:
            last = error
            print_log(f'{error}: replaced by the next clip',
                      logger='current', level=logging.WARNING)
    raise InvalidClipError(f'{tries} clips in a row cannot be used, the last: '
                           f'{last}: does the pipeline fit them?') from last
