"""The requests of the label page, without a browser."""
import errno
import os
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pools import write_pool

from psp_plugin.tooling.labeling import ClipPool, LabelStore
from psp_plugin.tooling.labeling import queue as queue_module
from psp_plugin.tooling.labeling.app import make_app

URL = 'http://127.0.0.1:8760'


@pytest.fixture
def client(tmp_path):
    """A client of six clips, of which b cannot be drawn; has the store."""
    pool = ClipPool(write_pool(tmp_path / 'pool.pkl', broken='b'))
    store = LabelStore(str(tmp_path / 'labels.csv'), pool.names, None,
                       ['walk', 'sit'])
    with TestClient(make_app(pool, store, 'next'), URL) as client:
        client.store = store
        yield client
    store.close()


def write(client, name, label, expected=None, **more):
    return client.put('/api/label', json=dict(
        name=name, label=label, expected=expected), **more)


def ask(client, page, held=(), after=-1, **more):
    return client.post('/api/next', json=dict(
        page=page, held=list(held), after=after, **more)).json()['name']


def test_page_and_its_headers(client):
    for path, kind in {'/': 'html', '/label.js': 'javascript',
                       '/player.js': 'javascript', '/label.css': 'css'
                       }.items():
        answer = client.get(path)
        assert answer.status_code == 200
        assert kind in answer.headers['content-type']
        policy = answer.headers['content-security-policy']
        assert policy.startswith("default-src 'none'; script-src 'self';")
    for path in ('/docs', '/redoc', '/openapi.json'):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize('host, status', [
    ('127.0.0.1:8760', 200), ('localhost:9000', 200), ('localhost', 200),
    ('evil.example:8760', 400), ('127.0.0.1.evil.example', 400)])
def test_only_names_of_this_machine(client, host, status):
    headers = {'Host': host}
    assert client.get('/api/setup', headers=headers).status_code == status
    assert write(client, 'a', 'walk', headers=headers).status_code == status
    assert client.store.progress()['labeled'] == (status == 200)


@pytest.mark.parametrize('headers, status', [
    ({'Origin': URL}, 200), ({'Origin': 'http://evil.example'}, 403),
    ({'Origin': 'http://127.0.0.1:9999'}, 403), ({'Origin': 'null'}, 403),
    ({'Origin': 'http://['}, 403),
    ({'Content-Type': 'text/plain'}, 415), ({'Content-Type': ''}, 415)])
def test_only_writes_of_the_page_itself(client, headers, status):
    assert write(client, 'a', 'walk', headers=headers).status_code == status
    assert client.store.progress()['labeled'] == (status == 200)


def test_write_conflict_and_repetition(client):
    for _ in range(2):
        answer = write(client, 'a', 'walk')
        assert answer.status_code == 200 and answer.json()['labeled'] == 1
    answer = write(client, 'a', 'sit')
    assert answer.status_code == 409
    assert answer.json()['kind'] == 'conflict'
    assert answer.json()['label'] == 'walk'
    assert write(client, 'a', '', 'walk').json()['skipped'] == 1
    assert client.store.label_of('a') == ''


def test_changed_table(client):
    write(client, 'a', 'walk')
    with open(client.store.table.path, 'a') as stream:
        stream.write('b,sit\n')
    answer = write(client, 'c', 'walk')
    assert answer.status_code == 409 and answer.json()['kind'] == 'changed'
    assert 'restart tools/label.py' in answer.json()['message']


@pytest.mark.parametrize('number, status', [
    (errno.ENOSPC, 507), (errno.EACCES, 500)])
def test_table_that_cannot_be_written(client, monkeypatch, number, status):
    write(client, 'a', 'walk')

    def fail(*args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', fail)
        answer = write(client, 'b', 'walk')
    assert answer.status_code == status
    assert f'is unchanged: {os.strerror(number)}.' in answer.json()['message']
    assert client.store.progress()['labeled'] == 1
    assert write(client, 'b', 'walk').json()['labeled'] == 2


@pytest.mark.parametrize('body', [
    dict(name='x', label='walk', expected=None),
    dict(name='a', label='7', expected=None), dict(name='a', label='walk'),
    dict(name=1, label='walk', expected=None), []])
def test_invalid_writes(client, body):
    assert client.put('/api/label', json=body).status_code == 422
    assert not os.path.exists(client.store.table.path)


def test_clips(client):
    first = client.get('/api/clip', params=dict(place=0)).json()
    assert first['name'] == 'a' and first['label'] is None
    assert first == client.get('/api/clip', params=dict(name='a')).json()
    answer = client.get('/api/clip', params=dict(name='b'))
    assert answer.status_code == 422 and answer.json()['place'] == 1
    assert 'has no joint to draw' in answer.json()['problem']
    for params in (dict(name='x'), dict(place=6), dict(place=-1)):
        assert client.get('/api/clip', params=params).status_code == 404


def test_pages_get_different_clips_while_there_are_any(client, monkeypatch):
    assert [ask(client, 'one'), ask(client, 'two')] == ['a', 'b']
    assert ask(client, 'one', ['a'], 0) == 'c'
    assert ask(client, 'two', ['b'], 1) == 'd'
    write(client, 'e', 'walk')
    write(client, 'f', '')
    # Only clips of the other page are left.
    assert ask(client, 'two', ['b', 'd'], 3) == 'a'
    client.post('/api/state', json=dict(page='one', held=[]))
    assert ask(client, 'two', ['d'], 3) == 'a'
    assert ask(client, 'one', skipped=True) == 'f'
    now = queue_module.time.monotonic() + queue_module.SECONDS + 1
    monkeypatch.setattr(queue_module, 'time',
                        SimpleNamespace(monotonic=lambda: now))
    assert ask(client, 'three', ['x'], 2) == 'd'  # of a page that is gone
    for name in 'abcd':
        write(client, name, 'walk')
    assert ask(client, 'one') is None


def test_state_and_setup(client):
    write(client, 'a', 'walk')
    client.post('/api/class', json=dict(name='<b>'))
    answer = client.post('/api/class', json=dict(name='12'))
    assert answer.status_code == 422 and 'not numbers' in answer.json()[
        'message']
    state = client.post('/api/state', json=dict(
        page='one', held=['a', 'b'])).json()
    assert state['labels'] == dict(a='walk', b=None)
    assert (state['total'], state['labeled'], state['skipped']) == (6, 1, 0)
    assert [each['count'] for each in state['classes']] == [1, 0, 0]
    setup = client.get('/api/setup').json()
    assert setup['command'] == 'next' and setup['closed'] == ''


def test_start_of_a_large_pool_sends_few_bytes(tmp_path):
    names = [f'clip{i:05}' for i in range(40000)]
    keypoint = np.ones((1, 2, 20, 3), 'f4')
    (tmp_path / 'pool.pkl').write_bytes(pickle.dumps([
        dict(frame_dir=name, keypoint=keypoint, total_frames=2)
        for name in names]))
    pool = ClipPool(str(tmp_path / 'pool.pkl'))
    store = LabelStore(str(tmp_path / 'labels.csv'), pool.names)
    with TestClient(make_app(pool, store), URL) as client:
        state = client.post('/api/state', json=dict(page='one'))
        first = client.get('/api/clip', params=dict(name=ask(client, 'one')))
        assert state.json()['total'] == 40000
        assert len(state.content) + len(first.content) < 5000
    store.close()
