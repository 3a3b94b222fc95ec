"""Formats the survey of an annotation file as text."""
from typing import Any, Dict, List

from .clip_checks import shown
from .survey import Survey

# Clips named in a line.
NAMED = 3


def describe(found: Survey) -> str:
    """Formats the problems of a dataset, then its statistics.

    Args:
        found (Survey): The survey.

    Returns:
        str: Lines of text.
    """
    lines = problem_table(found) + ['']
    lines += [f'{found.clips} clips'] + [
        f'  {name}: {shares(counter, found.clips)}'
        for name, counter in found.counts.items()]
    if found.frames:
        least, middle, most = found.frame_range()
        lines.append(f'  frames: {least} to {most}, median {middle:g}')
        share = found.second_absent / len(found.frames)
        lines.append(f'  no second person in {share:.1%} of the clips')
    lines += [f'  metainfo: {key} {shown(value)}'
              for key, value in found.metainfo.items() if key != 'classes']
    lines += [''] + class_table(found)
    for pair, names in found.shared.items():
        lines.append(f'in both splits of {pair}: {len(names)} clips, '
                     f'{first(names)}')
    for pair, names in found.duplicates.items():
        lines.append(f'duplicates in {pair}: {len(names)} clips of the '
                     f'second, {first(names)}')
    return '\n'.join(lines + [f'note: {note}' for note in found.notes])


def problem_table(found: Survey) -> List[str]:
    """Two lines per kind of problem: count and first clips, an example."""
    problems = found.problems
    if not problems:
        return ['problems: none']
    width = max(map(len, problems))
    lines = [f'problems: {len(found.invalid)} in '
             f'{len({clip.name for clip in found.invalid})} clips']
    for kind, clips in problems.items():
        name, problem = clips[0]
        lines += [f'  {kind:{width}}{len(clips):>7}  '
                  f'{first([clip.name for clip in clips])}',
                  f'  {"":{width}}         {name!r} {problem.text}']
    return lines


def first(names: List[str]) -> str:
    """The first names, followed by ``...`` if there are more."""
    return ', '.join(names[:NAMED]) + (', ...' if len(names) > NAMED else '')


def shares(counter: Dict[str, Any], total: int) -> str:
    """The number of clips per value; only the value if all share it."""
    ordered = sorted(counter.items(), key=lambda item: -item[1])
    if len(ordered) == 1 and ordered[0][1] == total:
        return str(ordered[0][0])
    return ', '.join(f'{value} ({count} clips)' for value, count in ordered)


def class_table(found: Survey) -> List[str]:
    """Clips per class and split, with the names of the metainfo."""
    splits = list(found.classes)
    labels = sorted({label for counts in found.classes.values()
                     for label in counts if label is not None})
    names = dict(enumerate(found.metainfo.get('classes') or ()))
    labels = sorted({*labels, *names})
    rows = [row('label', {split: split for split in splits})]
    rows += [row(label, {split: found.classes[split].get(label, 0)
                         for split in splits}, names.get(label, ''))
             for label in labels]
    rows.append(row('total', {split: sum(found.classes[split].values())
                              for split in splits}))
    return rows


def row(label: object, cells: Dict[str, Any], name: str = '') -> str:
    """One line of a table whose columns are as wide as their names."""
    middle = ''.join(f'{cell:>{max(len(column), 5) + 2}}'
                     for column, cell in cells.items())
    return f'{label!s:>5}{middle}  {name}'.rstrip()
