"""What is done about a clip that cannot be used: stop, or take another."""
import logging
from typing import Any, Callable

from mmengine.logging import print_log

POLICIES = ('stop', 'skip')
# So many clips one after the other are not to blame, but their pipeline is.
IN_A_ROW = 10
SWITCH = (", or let CheckedPoseDataset take another clip in its place with "
          "invalid_clips='skip'")


class InvalidClipError(RuntimeError):
    """Which clip cannot be used and why, in one sentence."""


def check_policy(invalid_clips: str) -> None:
    """Raises ValueError unless a policy is ``'stop'`` or ``'skip'``."""
    if invalid_clips not in POLICIES:
        raise ValueError(f"invalid_clips must be 'stop' or 'skip', not "
                         f'{invalid_clips!r}')


def clip_name(info: dict) -> str:
    """The name of a clip: ``frame_dir``, or else ``filename``.

    Raises:
        ValueError: If the annotation has neither.
    """
    for key in ('frame_dir', 'filename'):
        if key in info:
            return info[key]
    raise ValueError('an annotation has neither frame_dir nor filename, but '
                     f'only {sorted(info)}: a split needs clip names')


def pass_pipeline(pipeline: Callable[[dict], Any], info: dict,
                  source: str) -> Any:
    """Puts a clip through a pipeline and names it if that fails.

    Args:
        pipeline (Callable): The transforms.
        info (dict): The annotation of the clip.
        source (str): Where it comes from, for the message.

    Returns:
        Any: What the pipeline makes of it.

    Raises:
        InvalidClipError: If the pipeline raises, or gives None.
    """
    clip = f'clip {clip_name(info)!r} of {source}'
    try:
        packed = pipeline(info)
    except MemoryError:  # says nothing of the clip
        raise
    except Exception as error:
        detail = ' '.join(str(error).split())
        raise InvalidClipError(f'{clip} does not pass the pipeline '
                           f'({type(error).__name__}: {detail})') from error
    if packed is None:
        raise InvalidClipError(f'the pipeline gave nothing for {clip}')
    return packed


def take_clip(prepare: Callable[[int], Any], index: int, length: int,
              invalid_clips: str, test_mode: bool = False) -> Any:
    """Prepares a clip, or the next one that can be, as the policy has it.

    Which clip stands in for another depends on the index alone, not on
    workers, processes or earlier draws.

    Args:
        prepare (Callable): Gives the clip of an index, or raises
            InvalidClipError.
        index (int): The clip.
        length (int): The number of clips.
        invalid_clips (str): ``'stop'`` or ``'skip'``.
        test_mode (bool): Whether this is a test, in which no clip stands in
            for another. Defaults to False.

    Returns:
        Any: What ``prepare`` gives.

    Raises:
        InvalidClipError: If the policy is to stop; or if ten clips in a row,
            or all there are, cannot be used.
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
            print_log(f'{error}: the clip behind it stands in for it',
                      logger='current', level=logging.WARNING)
    raise InvalidClipError(f'{tries} clips in a row cannot be used, the last: '
                           f'{last}: is this the pipeline for them?') from last
