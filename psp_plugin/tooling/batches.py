"""Batches of the clips that can be prepared."""
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

from psp_plugin.commands.clips import ClipError
from psp_plugin.commands.command_line import show_progress
from psp_plugin.commands.find_clips import FoundClip

Batch = Tuple[List[FoundClip], List[Dict[str, Any]]]


def prepared_batches(clips: Sequence[FoundClip],
                     prepare: Callable[[Any], Dict[str, Any]],
                     batch_size: int, errors: List[str],
                     doing: str = 'computing features') -> Iterator[Batch]:
    """Yields batches of clips and their inputs, without invalid clips.

    Args:
        clips (Sequence[FoundClip]): The clips.
        prepare (Callable): Prepares a clip, such as a
            :class:`psp_plugin.commands.clips.ClipPreparer`.
        batch_size (int): Number of clips to take at a time.
        errors (list[str]): Gets the messages of the invalid clips.
        doing (str): Label of the progress bar. Defaults to ``'computing
            features'``.

    Yields:
        tuple[list[FoundClip], list[dict]]: At least one clip.
    """
    for start in show_progress(range(0, len(clips), batch_size), doing):
        good: List[FoundClip] = []
        inputs = []
        for clip in clips[start:start + batch_size]:
            try:
                inputs.append(prepare(clip.clip))
                good.append(clip)
            except ClipError as error:
                errors.append(str(error))
        if good:
            yield good, inputs
