"""tools/label.py: a real process, which is killed and started again."""
import os
import queue
import re
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from browser import needs_browser, open_browser
from forked import start_forked
from pools import write_pool
from toy import load_tool

from psp_plugin.tooling.labeling import serve

TOOL = Path(__file__).resolve().parents[2] / 'tools/label.py'


@pytest.fixture(scope='module')
def main():
    return load_tool('label').main


@pytest.fixture
def start(tmp_path):
    """Starts the tool on a pool and a table; returns process and address."""
    pool = write_pool(tmp_path / 'pool.pkl', 'abcd', classes=['walk', 'sit'])
    with socket.socket() as free:
        free.bind((serve.HOST, 0))
        port = free.getsockname()[1]
    processes = []

    def run():
        process = start_forked(TOOL, pool, tmp_path / 'labels.csv', '--port',
                               port, '--no-browser', folder=tmp_path)
        processes.append(process)
        url = f'http://{serve.HOST}:{port}'
        for _ in range(600):
            try:
                httpx.get(url)
                return process, url
            except httpx.TransportError:
                assert process.is_alive(), (tmp_path / 'stderr').read_text()
                time.sleep(.1)
        raise TimeoutError(url)

    yield run
    for process in processes:
        process.kill()
        process.join()


@needs_browser
def test_answer_of_a_killed_server_is_sent_to_the_next_one(start, tmp_path):
    table = tmp_path / 'labels.csv'
    process, url = start()
    with open_browser() as browser:
        page = browser.new_page()
        page.goto(url)
        page.locator('[data-clip=a]').wait_for()
        page.keyboard.press('1')
        page.locator('[data-clip=b]').wait_for()
        process.kill()  # SIGKILL
        process.join()
        page.keyboard.press('2')
        page.locator('#notice').get_by_text(
            re.compile('sit.* for clip b is not saved yet')).wait_for()
        assert table.read_text() == 'name,label\na,walk\n'
        process, _ = start()
        page.locator('[data-clip=c]').wait_for()
        assert page.locator('#notice').is_hidden()
        os.kill(process.pid, signal.SIGINT)  # Ctrl-C
        process.join(20)
    assert process.exitcode == 0
    assert table.read_text() == 'name,label\na,walk\nb,sit\n'
    assert (tmp_path / 'stderr').read_text() == ''
    assert f'4 clips of {tmp_path}/pool.pkl' in (
        tmp_path / 'stdout').read_text()
    assert sorted(os.listdir(tmp_path)) == [
        'labels.csv', 'pool.pkl', 'stderr', 'stdout']


def test_port_in_use(main, tmp_path):
    pool = write_pool(tmp_path / 'pool.pkl')
    with serve.open_socket(0) as used:
        port = used.getsockname()[1]
        with pytest.raises(SystemExit, match=f'port {port} is in use: choose'):
            main([pool, str(tmp_path / 'labels.csv'), '--port', str(port)])
    assert os.listdir(tmp_path) == ['pool.pkl']


@pytest.mark.parametrize('change, message', [
    (['--clips', 'no.txt'], 'split file no.txt does not exist'),
    (['--classes', 'no.txt'], 'no.txt cannot be read'),
    (['--layout', 'dog'], "unknown skeleton layout 'dog'"),
    (['--port', '99999'], 'port 99999 cannot be used')])
def test_bad_arguments(main, tmp_path, change, message):
    pool = write_pool(tmp_path / 'pool.pkl')
    with pytest.raises(SystemExit, match=message):
        main([pool, str(tmp_path / 'labels.csv'), *change])


def test_missing_packages(main, tmp_path, monkeypatch):
    monkeypatch.setattr(serve, 'PACKAGES', ('fastapi', 'no_such_package'))
    with pytest.raises(SystemExit, match='needs no_such_package, .* install '
                       r'"psp_plugin\[label\]"'):
        main([str(tmp_path), str(tmp_path / 'labels.csv')])


def test_page_is_opened_in_a_browser(main, tmp_path, monkeypatch):
    opened = queue.Queue()
    monkeypatch.setattr(serve.webbrowser, 'open', opened.put)
    monkeypatch.setattr(serve, 'make_server', lambda *args: SimpleNamespace(
        run=lambda sockets: opened.put(opened.get(timeout=10))))
    with serve.open_socket(0) as free:
        port = free.getsockname()[1]
    main([write_pool(tmp_path / 'pool.pkl'), str(tmp_path / 'labels.csv'),
          '--port', str(port)])
    assert opened.get() == f'http://127.0.0.1:{port}'


def test_next_command(tmp_path):
    tool = load_tool('label')
    args = tool.parse_args([str(tmp_path), 'my labels.csv', '--classes',
                            'c.txt', '--fps', '10'])
    assert tool.next_command(args) == (
        f'python tools/data/convert_skeletons.py {tmp_path} -o OUT.pkl '
        "--labels 'my labels.csv' --classes c.txt --fps 10.0")
    args = tool.parse_args(['pool.pkl', 'labels.csv'])
    assert tool.next_command(args).split()[2] == 'pool.pkl'
    args = tool.parse_args(['one.skeleton', 'labels.csv'])
    assert tool.next_command(args) is None
