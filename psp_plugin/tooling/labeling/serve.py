"""Runs the label page on this machine."""
import contextlib
import errno
import socket
import threading
import webbrowser
from typing import Any, Iterator, Optional

from psp_plugin.commands.command_line import check_packages
from psp_plugin.errors import InputError

from .pool import ClipPool
from .store import LabelStore

HOST = '127.0.0.1'
PORT = 8760
SHUTDOWN = 10  # seconds for answers that are being written at Ctrl-C
PACKAGES = ('fastapi', 'uvicorn')


def require_packages() -> None:
    """Raises InputError if a package of the page is missing."""
    check_packages('the label page', PACKAGES, '"psp_plugin[label]"')


def open_socket(port: int = PORT) -> socket.socket:
    """Listens on a port of this machine, which others cannot reach.

    Args:
        port (int): The port; 0 for any free one. Defaults to 8760.

    Raises:
        InputError: If it is in use or cannot be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A port can be used again right after its server was killed.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        used = getattr(error, 'errno', None) == errno.EADDRINUSE
        reason = 'is in use' if used else f'cannot be used ({error})'
        raise InputError(f'port {port} {reason}: choose another one with '
                         '--port') from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Returns the address of the page."""
    return f'http://{HOST}:{listener.getsockname()[1]}'


def make_server(pool: ClipPool, store: LabelStore,
                command: Optional[str]) -> Any:
    """Makes the server of the page, which does not run yet."""
    import uvicorn

    from .app import make_app
    return uvicorn.Server(uvicorn.Config(
        make_app(pool, store, command), log_level='warning',
        timeout_graceful_shutdown=SHUTDOWN))


def run_server(pool: ClipPool, store: LabelStore, listener: socket.socket,
               command: Optional[str] = None, browser: bool = False) -> None:
    """Runs the page until Ctrl-C.

    Args:
        pool (ClipPool): The clips.
        store (LabelStore): Their labels.
        listener (socket.socket): See :func:`open_socket`.
        command (str, optional): What to run when all clips have an answer.
            Defaults to None, nothing.
        browser (bool): Whether to open the page in a browser. Defaults to
            False.
    """
    server = make_server(pool, store, command)
    if browser:  # some commands of browsers return when the browser ends
        threading.Thread(target=webbrowser.open, args=[address_of(listener)],
                         daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run([listener])


@contextlib.contextmanager
def start_server(pool: ClipPool, store: LabelStore,
                 command: Optional[str] = None, port: int = 0
                 ) -> Iterator[str]:
    """Runs the page in a thread while the context is open.

    Args:
        pool, store, command: See :func:`run_server`.
        port (int): The port. Defaults to 0, any free one.

    Yields:
        str: The address of the page.
    """
    with open_socket(port) as listener:
        server = make_server(pool, store, command)
        thread = threading.Thread(target=server.run, args=[[listener]],
                                  daemon=True)
        thread.start()
        try:
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join()
