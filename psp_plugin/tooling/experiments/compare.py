"""Compares the settings of a study with its baseline, paired by seed."""
import statistics
from typing import Dict, List, NamedTuple, Sequence, Tuple

from scipy.stats import t

from .plan import Run
from .record import Record
from .study import Study, names_of
from .text import as_markdown

Scores = Dict[Tuple[str, int], float]  # top-1 by case and seed
CONFIDENCE = 0.95
NOTE = f'''Top-1 in percent: mean and sample standard deviation over the runs.
The difference is to {{baseline}}, paired by case and seed, with its
{CONFIDENCE:.0%} confidence interval (Student's t); "ahead" counts the pairs in
which it is positive. "by seed" pairs the means of each seed over all cases.
'''


class Difference(NamedTuple):
    """Mean of paired differences.

    Args:
        mean (float): Mean over the pairs.
        margin (float): Half the width of its confidence interval; nan for
            one pair.
        ahead (int): Number of pairs with a positive difference.
        pairs (int): Number of pairs.
    """
    mean: float
    margin: float
    ahead: int
    pairs: int


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """Computes the mean of paired differences.

    Args:
        ours (Sequence[float]): Scores of one setting.
        theirs (Sequence[float]): Scores of the other, in the same order.
    """
    gaps = [a - b for a, b in zip(ours, theirs)]
    n, margin = len(gaps), float('nan')
    if n > 1:
        margin = float(t.ppf(0.5 + CONFIDENCE / 2, n - 1) *
                       statistics.stdev(gaps) / n**0.5)
    return Difference(statistics.mean(gaps), margin,
                      sum(gap > 0 for gap in gaps), n)


def compare(study: Study, runs: Sequence[Run], record: Record) -> str:
    """Formats the results of a study as a Markdown table.

    Args:
        study (Study): The study.
        runs (Sequence[Run]): Its runs.
        record (Record): The finished runs.

    Returns:
        str: One row per case, setting and split. With several cases, rows
        ``all`` pair by case and seed, and rows ``by seed`` pair the means
        over cases by seed: if cases share labelled clips or initialisation,
        their pairs are not independent and the interval of ``all`` is too
        narrow.
    """
    # By split and setting.
    scores: Dict[Tuple[str, str], Scores] = {}
    folds = len({run.splits[0] for run in runs}) > 1
    for run in runs:
        case, setting = names_of(run)
        for split, top1 in record.scores(run).items():
            if folds and split == run.splits[0]:  # named by the case
                split = 'test'
            scores.setdefault((split, setting), {})[case, run.seed] = top1
    tables = [(case, {key: _of_case(found, case)
                      for key, found in scores.items()})
              for case in study.cases]
    if len(study.cases) > 1:
        tables += [('all', scores), (
            'by seed', {key: _by_seed(found, len(study.cases))
                        for key, found in scores.items()})]
    rows = []
    for case, table in tables:
        for (split, setting), found in sorted(
                table.items(), key=lambda item: item[0][0]):
            row = _row(case, setting, split, found,
                       table.get((split, study.baseline), {}))
            rows += [row] if row else []
    head = ('case', 'setting', 'split', 'runs', 'top-1', 'difference',
            'ahead')
    return (as_markdown(head, rows) + '\n' +
            NOTE.format(baseline=study.baseline))


def _of_case(found: Scores, case: str) -> Scores:
    return {key: top1 for key, top1 in found.items() if key[0] == case}


def _by_seed(found: Scores, cases: int) -> Scores:
    """Averages over cases, for the seeds that have run in all cases."""
    of_seed: Dict[int, List[float]] = {}
    for (_, seed), top1 in found.items():
        of_seed.setdefault(seed, []).append(top1)
    return {('by seed', seed): statistics.mean(values)
            for seed, values in of_seed.items() if len(values) == cases}


def _row(case: str, setting: str, split: str, found: Scores,
         baseline: Scores) -> List[str]:
    """Returns a row of the table, empty if there are no runs."""
    if not found:
        return []
    values = list(found.values())
    spread = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    row = [case, setting, split, str(len(values)),
           f'{statistics.mean(values):.1f}{spread}']
    pairs = [key for key in found if key in baseline]
    if not pairs or found is baseline:
        return [*row, '', '']
    gap = difference([found[key] for key in pairs],
                     [baseline[key] for key in pairs])
    margin = '' if gap.pairs < 2 else f' ± {gap.margin:.1f}'
    return [*row, f'{gap.mean:+.1f}{margin}', f'{gap.ahead} of {gap.pairs}']
