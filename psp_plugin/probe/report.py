"""The scores of a probe as a table for readers and as rows for programs."""
from typing import Dict, List, Sequence

from psp_plugin.experiments.compare import CONFIDENCE, difference
from psp_plugin.experiments.text import as_markdown

from .evaluate import Score

NOTE = f'''Top-1 in percent, of the linear layer after its last epoch: mean
and {CONFIDENCE:.0%} confidence interval (Student's t) over {{seeds}}. A seed
is that of the labelled clips, and of the layer's first weights and order. With
all clips labelled nothing is drawn, and k-NN is one number.
Test clips: {{tested}}.
'''


def as_table(scores: Sequence[Score], k: int) -> str:
    """A table in Markdown, a row for each share of labels.

    Args:
        scores (Sequence[Score]): At least one, for all the same splits.
        k (int): Number of neighbours, for the head.
    """
    tested = {score.split: score.tested for score in scores}
    head = ['labels', 'clips', *(f'{split} {way}' for split in tested
                                 for way in ('linear', f'{k}-NN'))]
    by_ratio: Dict[float, List[Score]] = {}
    for score in scores:
        by_ratio.setdefault(score.ratio, []).append(score)
    rows = []
    for ratio, group in by_ratio.items():
        row = [f'{100 * ratio:g}%', str(group[0].labeled)]
        for split in tested:
            found = [score for score in group if score.split == split]
            knn = [score.knn for score in found]
            row += [_interval([score.linear for score in found]),
                    _interval(knn[:1] if ratio == 1 else knn)]
        rows.append(row)
    seeds = sorted({score.seed for score in scores})
    note = NOTE.format(
        seeds=f'seed{"s" * (len(seeds) > 1)} {", ".join(map(str, seeds))}',
        tested=', '.join(f'{n} of {split}' for split, n in tested.items()))
    return as_markdown(head, rows) + '\n' + note


def as_records(scores: Sequence[Score], **origin: object) -> List[dict]:
    """A row for each score, its top-1 in percent.

    Args:
        scores (Sequence[Score]): The scores.
        **origin: What is the same in all rows, such as the config.
    """
    return [dict(origin, ratio=score.ratio, seed=score.seed,
                 split=score.split, labeled=score.labeled,
                 tested=score.tested, linear=f'{100 * score.linear:.2f}',
                 knn=f'{100 * score.knn:.2f}') for score in scores]


def _interval(values: Sequence[float]) -> str:
    """Mean and half the width of the confidence interval, in percent."""
    found = difference([100 * value for value in values], [0] * len(values))
    margin = '' if found.pairs < 2 else f' ± {found.margin:.1f}'
    return f'{found.mean:.1f}{margin}'
