"""Evaluates a frozen encoder, and formats the results."""
from typing import Dict, List, NamedTuple, Optional, Sequence

import torch
from mmengine.config import Config
from torch import nn

from psp_plugin.commands.command_line import show_progress
from psp_plugin.errors import InputError

from ..experiments.compare import CONFIDENCE, difference
from ..experiments.text import as_markdown
from .classifiers import (
    check_fit,
    check_neighbours,
    fit_linear,
    nearest_classes,
)
from .encoding import (
    Samples,
    TestClips,
    features_of,
    find_dataset,
    find_pipeline,
    open_clips,
    sample_labeled,
)

NOTE = f'''Top-1 in percent, of the linear layer after its last epoch: mean
and {CONFIDENCE:.0%} confidence interval (Student's t) over {{seeds}}. A seed
determines the labelled clips, and the layer's initial weights and clip order.
With all clips labelled nothing is sampled, and k-NN is one number.
Test clips: {{tested}}.
'''


class Score(NamedTuple):
    """Top-1 accuracies of one labelled split on one test split.

    Args:
        ratio (float): Label fraction.
        seed (int): Seed of the labelled split and of the linear layer.
        split (str): The test split.
        labeled (int): Number of labelled clips.
        tested (int): Number of test clips.
        linear (float): Top-1 of the linear layer, in [0, 1].
        knn (float): Top-1 of k-NN, in [0, 1].
    """
    ratio: float
    seed: int
    split: str
    labeled: int
    tested: int
    linear: float
    knn: float


def evaluate(cfg: Config,
             model: nn.Module,
             ratios: Sequence[float] = (0.05, 0.15, 0.3, 1.0),
             seeds: Sequence[int] = (0, 1, 2),
             balanced: bool = True,
             splits: Optional[Sequence[str]] = None,
             k: int = 1,
             epochs: int = 100,
             lr: float = 0.1) -> List[Score]:
    """Evaluates a frozen encoder by a linear layer and by k-NN.

    The features are computed once for all ratios, seeds and splits: of the
    training clips with the pipeline of ``val_dataloader`` (or else of
    ``test_dataloader``), of the test clips with that of ``test_dataloader``.
    Data and labelled splits are validated before.

    Args:
        cfg (Config): The config. The training clips are those of the
            innermost dataset of ``train_dataloader``.
        model (nn.Module): The recognizer, in eval mode. It needs no head.
        ratios (Sequence[float]): Label fractions, in (0, 1]; 1 selects all
            clips. Defaults to 5, 15, 30 and 100%.
        seeds (Sequence[int]): Seeds, each of the labelled split and of the
            linear layer. Defaults to 0, 1 and 2.
        balanced (bool): Whether to sample the same number of labelled clips
            per class. Defaults to True.
        splits (Sequence[str], optional): Splits of the test dataset. Defaults
            to None: the split of the config.
        k (int): Number of nearest neighbours. Defaults to 1.
        epochs (int): Epochs of the linear layer. Defaults to 100.
        lr (float): Learning rate of the linear layer. Defaults to 0.1.

    Returns:
        list[Score]: One for each ratio, seed and split, in this order.

    Raises:
        InputError: If the config, the data or the arguments cannot be used.
        FileNotFoundError: If an annotation file is missing.
        InvalidClipError: If the pipeline fails for a clip.
    """
    for seed in seeds:
        if not 0 <= seed < 2**63:
            raise InputError(f'a seed must be from 0 to 2**63 - 1, not {seed}')
    train = open_clips(find_dataset(cfg, 'train'))
    subsets = {(ratio, seed): sample_labeled(train, ratio, seed, balanced)
               for ratio in ratios for seed in seeds}
    fewest = min(map(len, subsets.values()))
    check_fit(fewest, lr)
    check_neighbours(fewest, k)
    test = TestClips(find_dataset(cfg, 'test'), splits)
    pipeline, train_batch = find_pipeline(cfg, 'val', 'test')
    train_samples = Samples(
        [(train.source, i) for i in range(len(train.names))], pipeline)
    pipeline, test_batch = find_pipeline(cfg, 'test')
    test_samples = Samples(test.items, pipeline)
    train_rows = features_of(model, train_samples, train_batch)
    test_rows = features_of(model, test_samples, test_batch)
    # Class ranks. Test clips of a class without training clips (-1) are
    # never classified correctly.
    rank = {label: i for i, label in enumerate(sorted(set(train.labels)))}
    labels = torch.tensor([rank[label] for label in train.labels])
    truth = torch.tensor([rank.get(label, -1) for label in test.labels])
    scores = []
    for ratio, seed in show_progress(list(subsets), 'fitting'):
        chosen = torch.tensor(subsets[ratio, seed])
        rows, classes = train_rows[chosen], labels[chosen]
        layer = fit_linear(rows, classes, len(rank), seed, epochs, lr)
        linear = layer(test_rows).argmax(1) == truth
        knn = nearest_classes(rows, classes, test_rows, k) == truth
        for split, members in test.splits.items():
            scores.append(Score(ratio, seed, split, len(chosen), len(members),
                                linear[members].double().mean().item(),
                                knn[members].double().mean().item()))
    return scores


def as_table(scores: Sequence[Score], k: int) -> str:
    """Formats scores as a Markdown table, one row per label fraction.

    Args:
        scores (Sequence[Score]): At least one; the same splits for all ratios
            and seeds.
        k (int): Number of neighbours, for the table header.
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


def _interval(values: Sequence[float]) -> str:
    """Formats mean and half the confidence interval, in percent."""
    found = difference([100 * value for value in values], [0] * len(values))
    margin = '' if found.pairs < 2 else f' ± {found.margin:.1f}'
    return f'{found.mean:.1f}{margin}'


def as_records(scores: Sequence[Score], **origin: object) -> List[dict]:
    """Returns one dict per score, with top-1 in percent.

    Args:
        scores (Sequence[Score]): The scores.
        **origin: Values to add to all rows, such as the config.
    """
    return [dict(origin, ratio=score.ratio, seed=score.seed,
                 split=score.split, labeled=score.labeled,
                 tested=score.tested, linear=f'{100 * score.linear:.2f}',
                 knn=f'{100 * score.knn:.2f}') for score in scores]
