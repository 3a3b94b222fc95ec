"""The classifier against equation 14 and the toolbox's ``GCNHead``."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.models.heads import GCNHead
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch.testing import assert_close

CLASSES, CHANNELS = 6, 4


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(**kwargs):
    head = MODELS.build(dict(type='TwoStreamHead', num_classes=CLASSES,
                             in_channels=CHANNELS, **kwargs))
    head.fc.weight.data.normal_()
    head.fc.bias.data.normal_()
    return head.double()


def streams(n=4):
    shape = (n, 2, CHANNELS, 3, 5)
    return tuple(torch.randn(2, *shape, dtype=torch.float64))


def samples(labels=range(4)):
    return [ActionDataSample().set_gt_label(label) for label in labels]


def test_logits_by_hand():
    """FC(AP(f_j)) + FC(AP(f_m)): the bias is added twice."""
    head, (joint, motion) = build(), streams()
    weight, bias = head.fc.weight, head.fc.bias
    logits = head((joint, motion))
    assert logits.shape == (4, CLASSES)
    for n, k in np.ndindex(*logits.shape):
        expected = 2 * bias[k] + sum(
            weight[k, c] * stream[n, :, c].mean()
            for stream in (joint, motion) for c in range(CHANNELS))
        assert_close(logits[n, k], expected, rtol=0, atol=1e-12)


def test_single_stream_equals_the_toolbox_head():
    head, (joint, motion) = build(), streams()
    single = GCNHead(CLASSES, CHANNELS).double()
    single.load_state_dict(head.state_dict())
    assert_close(head((joint, motion)), single(joint) + single(motion))
    assert_close(head((joint, motion)), head((motion, joint)))


@pytest.mark.parametrize('eps', [0., 0.1])
def test_loss(eps):
    """Equation 15, with the toolbox's label smoothing."""
    head, features = build(label_smooth_eps=eps), streams()
    losses = head.loss(features, samples())
    assert set(losses) == {'loss_cls', 'top1_acc', 'top5_acc'}
    logits = head(features)
    assert_close(losses['loss_cls'],
                 F.cross_entropy(logits, torch.arange(4), label_smoothing=eps))
    right = (logits.argmax(1) == torch.arange(4)).double().mean()
    assert_close(losses['top1_acc'], right, check_dtype=False)


@pytest.mark.parametrize('scored', [0, 3])
def test_accuracy_of_known_predictions(scored):
    """Class 3 has the highest and class 4 the lowest logit."""
    head = build()
    head.fc.weight.data.zero_()
    head.fc.bias.data = torch.tensor([4., 3, 2, 5, 0, 1]).double()
    losses = head.loss(streams(2), samples([scored, 4]))
    assert losses['top1_acc'].item() == (0.5 if scored == 3 else 0)
    assert losses['top5_acc'].item() == 0.5


def test_loss_of_one_clip():
    head, features = build(), streams(n=1)
    loss = head.loss(features, samples([2]))['loss_cls']
    assert_close(loss, -head(features).log_softmax(1)[0, 2])


@pytest.mark.parametrize('average', ['prob', 'score'])
@pytest.mark.parametrize('clips', [1, 3])
def test_clips_are_averaged(average, clips):
    head, features = build(average_clips=average), streams(2 * clips)
    predictions = head.predict(features, samples([0, 1]))
    logits = head(features).unflatten(0, (2, clips))
    if average == 'prob':
        logits = logits.softmax(-1)
    for prediction, expected in zip(predictions, logits.mean(1)):
        assert_close(prediction.pred_score, expected)
        assert prediction.pred_label.item() == expected.argmax().item()


def test_dropout_only_in_training():
    head, features = build(dropout=0.5), streams()
    assert not torch.equal(head(features), head(features))
    head.eval()
    assert torch.equal(head(features), head(features))


def test_initial_weights_equal_those_of_the_toolbox():
    head = build()
    head.init_weights()
    assert head.fc.weight.abs().max() < 0.1 and not head.fc.bias.any()
