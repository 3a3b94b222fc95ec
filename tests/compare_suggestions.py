"""Compares suggestions of clips to label on the training views of NW-UCLA.

    python tests/compare_suggestions.py CONFIG CHECKPOINT... --csv FILE

Of one view 50 clips are chosen, a logistic regression is fitted to the
features of each encoder, and tested on the other view. The table is that of
docs/results/suggestions.md.
"""
import argparse
import csv

import numpy as np
from mmengine.config import Config
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from psp_plugin.commands.loading import choose_device, load_model
from psp_plugin.tooling.experiments.compare import difference
from psp_plugin.tooling.probe.encoding import (
    Samples,
    features_of,
    find_dataset,
    find_pipeline,
    open_clips,
)
from psp_plugin.tooling.selection import pose_features
from psp_plugin.tooling.selection.strategies import (
    distant_clips,
    random_clips,
    typical_clips,
    unit_features,
)

COUNT, SEEDS, CLASSES = 50, 10, 10
SCALINGS = dict(
    unit=unit_features,
    length=lambda x: x / np.linalg.norm(x, axis=1, keepdims=True),
    centred=lambda x: x - x.mean(0),
    pca=lambda x: unit_features(PCA(32).fit_transform(unit_features(x))),
)


def choices(kinds, labels, seed):
    """Yields a name and the chosen clips for each way of choosing."""
    rng = np.random.default_rng(seed)
    yield 'random', random_clips(len(labels), COUNT, seed=seed)
    yield 'balanced', np.concatenate([
        rng.permutation(np.flatnonzero(labels == label))[:COUNT // CLASSES]
        for label in range(CLASSES)])
    for kind, features in kinds.items():
        for name, scale in SCALINGS.items():
            rows = scale(features)
            yield f'typiclust, {kind}, {name}', typical_clips(
                rows, COUNT, seed=seed)
            yield f'coreset, {kind}, {name}', distant_clips(
                rows, COUNT, seed=seed)


def accuracy(features, labels, chosen, test):
    model = LogisticRegression(C=10, max_iter=2000).fit(
        features[chosen], labels[chosen])
    return (model.predict(features[test]) == labels[test]).mean()


def scores_of(cfg, checkpoint, clips, poses):
    """Top-1 of each way of choosing: (2 directions, seeds), in percent."""
    model, _ = load_model(cfg, checkpoint, choose_device())
    samples = Samples([(clips.source, i) for i in range(len(clips.names))],
                      find_pipeline(cfg, 'val', 'test')[0])
    encoded = features_of(model, samples, 32).numpy().astype(float)
    labels = np.array(clips.labels)
    view = np.array([int(name[-1]) for name in clips.names])
    found = {}
    for pool, test in ((1, 2), (2, 1)):
        train = np.flatnonzero(view == pool)
        kinds = dict(encoder=encoded[train], poses=poses[train])
        for seed in range(SEEDS):
            for name, chosen in choices(kinds, labels[train], seed):
                found.setdefault(name, []).append(100 * accuracy(
                    unit_features(encoded), labels, train[chosen],
                    view == test))
    return {name: np.reshape(row, (2, SEEDS)) for name, row in found.items()}


def write_table(path, found):
    """Writes all runs, and prints means with intervals over the seeds."""
    with open(path, 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(['encoder', 'choice', 'seed', 'view1_view2',
                         'view2_view1'])
        for number, of_choice in enumerate(found):
            for name, scores in of_choice.items():
                for seed, pair in enumerate(scores.T):
                    writer.writerow([number, name, seed,
                                     *(f'{x:.2f}' for x in pair)])
    scores = {name: np.mean([of_choice[name] for of_choice in found], 0)
              for name in found[0]}  # of both directions and each seed
    by_seed = {name: both.mean(0).tolist() for name, both in scores.items()}
    for name, both in scores.items():
        row = [f'{both[0].mean():.1f}', f'{both[1].mean():.1f}',
               f'{both.mean():.1f}']
        for base in ('random', 'balanced'):
            found = difference(by_seed[name], by_seed[base])
            row.append(f'{found.mean:+.1f} ± {found.margin:.1f} '
                       f'({found.ahead} of {found.pairs})')
        print(f'| {name} | {" | ".join(row)} |')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoints', nargs='+')
    parser.add_argument('--csv', required=True)
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    clips = open_clips(find_dataset(cfg, 'train'))
    poses = np.array([pose_features(clips.source.dataset.get_data_info(i)[
        'keypoint']) for i in range(len(clips.names))])
    write_table(args.csv, [scores_of(cfg, checkpoint, clips, poses)
                           for checkpoint in args.checkpoints])


if __name__ == '__main__':
    main()
