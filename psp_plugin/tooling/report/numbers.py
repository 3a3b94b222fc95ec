"""The numbers of a report: accuracies and the confusion matrix."""
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np
from mmaction.evaluation import mean_class_accuracy, top_k_accuracy

from .results import Tested


class Accuracy(NamedTuple):
    """Accuracies of tested clips, in [0, 1], as the toolbox computes them."""
    top1: float
    mean_class: float
    top5: Optional[float]
    """None for five classes or fewer."""


class ClassRow(NamedTuple):
    """A class and how well its clips are recognised."""
    name: str
    accuracy: Optional[float]
    """In [0, 1]; None without a test clip."""
    right: int
    tested: int
    labeled: int
    """Number of labelled training clips."""


def accuracy_of(tested: Tested) -> Accuracy:
    """Computes the accuracies of ``AccMetric``.

    Args:
        tested (Tested): Results of a model with a head.
    """
    scores, labels = list(tested.scores), tested.labels.tolist()
    several = tested.scores.shape[1] > 5
    first, *others = top_k_accuracy(scores, labels, (1, 5) if several else
                                    (1, ))
    return Accuracy(float(first), float(mean_class_accuracy(scores, labels)),
                    float(others[0]) if several else None)


def confusion_of(tested: Tested) -> np.ndarray:
    """Counts clips by their class, the row, and the predicted class.

    Args:
        tested (Tested): Results of a model with a head.

    Returns:
        np.ndarray: (num_classes, num_classes), integers.
    """
    classes = tested.scores.shape[1]
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (tested.labels, tested.scores.argmax(1)), 1)
    return matrix


def class_rows(matrix: np.ndarray, names: Sequence[str],
               labeled: Dict[int, int]) -> List[ClassRow]:
    """Lists the classes, the best first, those without test clips last.

    Args:
        matrix (np.ndarray): From :func:`confusion_of`.
        names (Sequence[str]): The names of the classes.
        labeled (dict[int, int]): Number of labelled training clips by class.
    """
    rows = []
    for label, name in enumerate(names):
        tested, right = int(matrix[label].sum()), int(matrix[label, label])
        rows.append(ClassRow(name, right / tested if tested else None, right,
                             tested, labeled.get(label, 0)))
    return sorted(rows, key=lambda row: (
        -1. if row.accuracy is None else row.accuracy), reverse=True)
