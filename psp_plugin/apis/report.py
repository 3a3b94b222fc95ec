"""Results of the inferencer as text, JSON and CSV."""
import csv
import io
import json
from typing import Any, Dict, Iterator, List, Tuple

COLUMNS = ('clip', 'person', 'start_frame', 'end_frame', 'start_s', 'end_s',
           'class', 'score')


def as_text(results: List[Dict[str, Any]]) -> str:
    """Formats results as a table for each clip, its best classes in order.

    Args:
        results (list[dict]): Results of ``SkeletonInferencer``; errors are
            left out. Each person of a clip has a table.

    Returns:
        str: Lines of text, all tables with the same columns.
    """
    tables = [table for result in results for table in tables_of(result)]
    names = [name for _, top in tables for _, name, _ in top]
    width = max(map(len, ['class', *names]))
    return '\n\n'.join(
        '\n'.join([
            title,
            f'  rank  label  {"class":{width}}   score',
            *(f'  {rank:4}  {label:5}  {name:{width}}  {score:.4f}'
              for rank, (label, name, score) in enumerate(top, 1)),
        ]) for title, top in tables)


def tables_of(result: Dict[str, Any]) -> Iterator[Tuple[str, List[Any]]]:
    """Yields title and best classes of a clip, or of each of its persons."""
    if 'top' in result:
        yield result['name'], result['top']
    for person in result.get('persons', ()):
        yield (f'{result["name"]}, person {person["person"]}, frames '
               f'{person["start"]} to {person["end"]}', person['top'])


def as_json(results: List[Dict[str, Any]]) -> str:
    """Formats results as a JSON list with one object for each clip.

    Args:
        results (list[dict]): Results of ``SkeletonInferencer``.

    Returns:
        str: Per clip ``name`` and either ``top``, a list of ``label``,
        ``class`` and ``score``, and ``scores`` of all classes, or
        ``persons`` with ``top`` and ``scores`` each, or ``error``.
    """
    return json.dumps([plain(result) for result in results], indent=2,
                      ensure_ascii=False)


def plain(result: Dict[str, Any], scores: bool = True) -> Dict[str, Any]:
    """Returns a result in the types of JSON.

    Args:
        result (dict): A result of ``SkeletonInferencer`` or of a stream.
        scores (bool): Whether it has the scores of all classes. Defaults to
            True.
    """
    keys = ('label', 'class', 'score')
    row = dict(result)
    if 'top' in row:
        row['top'] = [dict(zip(keys, entry)) for entry in row['top']]
    if 'persons' in row:
        row['persons'] = [plain(person, scores) for person in row['persons']]
    if 'scores' in row:
        own = row.pop('scores').tolist()
        if scores:
            row['scores'] = own
    return row


def as_csv(results: List[Dict[str, Any]]) -> str:
    """Formats segments as a CSV table.

    Args:
        results (list[dict]): Results of ``find_segments``; errors are left
            out.

    Returns:
        str: A row for each segment. ``start_frame`` and ``end_frame`` are
        the first and last frame, from 0; ``start_s`` and ``end_s`` the
        seconds at which the first begins and the last ends, empty if the
        frame rate is unknown; ``person`` is empty for all persons together.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(COLUMNS)
    for result in results:
        for part in result.get('segments', ()):
            seconds = ['', '']
            if result['fps']:
                seconds = [f'{frame / result["fps"]:.3f}'
                           for frame in (part['start'], part['end'] + 1)]
            person = '' if part['person'] is None else part['person']
            table.writerow([
                result['name'], person, part['start'], part['end'], *seconds,
                part['class'], f'{part["score"]:.4f}'])
    return text.getvalue()
