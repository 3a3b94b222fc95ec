"""Results of the inferencer as text and as JSON."""
import json
from typing import Any, Dict, List


def as_text(results: List[Dict[str, Any]]) -> str:
    """Formats results as a table for each clip, its best classes in order.

    Args:
        results (list[dict]): Results of ``SkeletonInferencer``; errors are
            left out.

    Returns:
        str: Lines of text, all tables with the same columns.
    """
    results = [result for result in results if 'top' in result]
    names = [name for result in results for _, name, _ in result['top']]
    width = max(map(len, ['class', *names]))
    tables = [
        '\n'.join([
            result['name'],
            f'  rank  label  {"class":{width}}   score',
            *(f'  {rank:4}  {label:5}  {name:{width}}  {score:.4f}'
              for rank, (label, name, score) in enumerate(result['top'], 1)),
        ]) for result in results
    ]
    return '\n\n'.join(tables)


def as_json(results: List[Dict[str, Any]]) -> str:
    """Formats results as a JSON list with one object for each clip.

    Args:
        results (list[dict]): Results of ``SkeletonInferencer``.

    Returns:
        str: Per clip ``name`` and either ``top``, a list of ``label``,
        ``class`` and ``score``, and ``scores`` of all classes, or ``error``.
    """
    keys = ('label', 'class', 'score')
    rows = []
    for result in results:
        row = dict(result)
        if 'top' in result:
            row = dict(
                name=result['name'],
                top=[dict(zip(keys, entry)) for entry in result['top']],
                scores=result['scores'].tolist())
        rows.append(row)
    return json.dumps(rows, indent=2, ensure_ascii=False)
