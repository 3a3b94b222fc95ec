"""A rank hangs, is killed or cannot start: the others soon raise an error.

No launcher ends the others here; it does in ``test_scripts.py``.
"""
import signal

SOON = 30  # seconds


def test_hanging_rank(two_ranks):
    """The timeout of 5 seconds is that of env_cfg.dist_cfg."""
    hang = two_ranks[0]['hang']
    assert 'Timed out waiting 5000ms' in hang['error']
    assert 4 < hang['seconds'] < SOON


def test_rank_that_cannot_start(two_ranks):
    """Rank 1 stops in before_train; rank 0, which waits, gets an error."""
    assert two_ranks[1]['exitcode'] == 1
    assert 'end' not in two_ranks[1]
    assert 'Connection closed by peer' in two_ranks[0]['end']['error']
    assert two_ranks[0]['end']['seconds'] < SOON


def test_killed_rank(four_ranks):
    *others, killed = four_ranks.values()
    assert killed['exitcode'] == -signal.SIGKILL
    for rank in others:
        assert 'peer' in rank['end']['error']  # closed or reset by it
        assert rank['end']['seconds'] < SOON
