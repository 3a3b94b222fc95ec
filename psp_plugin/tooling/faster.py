"""Makes a trained model classify faster, with the same scores."""
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from psp_plugin.models import DSTANet


def make_faster(model: nn.Module, device: torch.device) -> None:
    """Changes a model in place for prediction; it cannot be trained then.

    Folds batch norms into convolutions, and on a CPU sets the memory format
    of ``DSTANet`` to channels last. Scores change by rounding only, by less
    than 1e-5.

    Args:
        model (nn.Module): A recognizer in evaluation mode.
        device (torch.device): Where it predicts.
    """
    fold_batch_norms(model)
    for module in model.modules():
        if isinstance(module, DSTANet) and device.type == 'cpu':
            module.channels_last = True


def fold_batch_norms(model: nn.Module) -> int:
    """Folds batch norms into the convolutions before them, in place.

    Only neighbours in an ``nn.Sequential`` are folded, since the order in
    which other modules are called is unknown.

    Args:
        model (nn.Module): A model in evaluation mode.

    Returns:
        int: The number of batch norms that were folded.
    """
    folded = 0
    for steps in model.modules():
        # A subclass may call its steps in another way.
        if type(steps) is not nn.Sequential:
            continue
        for i in range(1, len(steps)):
            conv, norm = steps[i - 1], steps[i]
            if (isinstance(conv, nn.Conv2d) and isinstance(
                    norm, nn.BatchNorm2d) and norm.track_running_stats):
                steps[i - 1] = fuse_conv_bn_eval(conv, norm)
                steps[i] = nn.Identity()
                folded += 1
    return folded
