"""What a frozen encoder makes of clips, augmented by nothing."""
from typing import Sequence, Tuple

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from torch import nn
from torch.utils.data import Dataset

from psp_plugin.datasets.bad_clips import pass_pipeline, take_clip
from psp_plugin.datasets.semi_supervised import Source
from psp_plugin.errors import InputError
from psp_plugin.visualization import clip_features

from .clips import find_dataset


def find_pipeline(cfg: Config, *uses: str) -> Tuple[list, int]:
    """The pipeline and the batch size of the first dataloader there is.

    Args:
        cfg (Config): The config.
        *uses (str): Such as ``'val', 'test'``.

    Raises:
        InputError: If none has a pipeline.
    """
    for use in uses:
        loader = cfg.get(f'{use}_dataloader')
        pipeline = loader and find_dataset(cfg, use).get('pipeline')
        if pipeline:
            return pipeline, loader.get('batch_size', 1)
    raise InputError(f'{cfg.filename} has no pipeline in '
                     f'{" or ".join(f"{use}_dataloader" for use in uses)}')


class Samples(Dataset):
    """Clips that pass a pipeline; one that does not is never replaced.

    Args:
        items (Sequence): Source and number of each clip.
        pipeline (list): Configs of the transforms.
    """

    def __init__(self, items: Sequence[Tuple[Source, int]],
                 pipeline: list) -> None:
        self.items = items
        self.pipeline = Compose(pipeline)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict:
        """Returns a clip as the pipeline packs it.

        Raises:
            BadClipError: If it does not pass.
        """
        return take_clip(self._prepare, index, len(self), 'stop', True)

    def _prepare(self, index: int) -> dict:
        source, number = self.items[index]
        info = source.dataset.get_data_info(number)
        return pass_pipeline(self.pipeline, info, str(source))


def features_of(model: nn.Module, samples: Samples,
                batch_size: int) -> torch.Tensor:
    """The features of clips, one row each, (N, D), float32 on the CPU.

    Args:
        model (nn.Module): A recognizer, in eval mode.
        samples (Samples): The clips.
        batch_size (int): Number of clips at a time.

    Raises:
        InputError: If a feature is not finite.
        BadClipError: If a clip does not pass its pipeline.
    """
    rows = clip_features(model, samples, batch_size=batch_size)
    bad = (~rows.isfinite().all(1)).nonzero()[:, 0].tolist()
    if bad:
        source, number = samples.items[bad[0]]
        raise InputError(
            f'the features of clip {source.clips[0][number]!r} of {source} '
            f'are not finite, as those of {len(bad)} of {len(rows)} clips: '
            'has the training of this encoder diverged?')
    return rows
