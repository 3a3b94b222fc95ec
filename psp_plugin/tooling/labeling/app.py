"""The requests of the label page, as a FastAPI application."""
import errno
from typing import Any, Dict, List, Optional

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware

from psp_plugin.errors import InputError

from ..pages import read_asset
from .pool import ClipPool, UndrawableClipError
from .queue import ClipQueue
from .store import ConflictError, LabelStore
from .table import TableChangedError

HOSTS = ['127.0.0.1', 'localhost']
HEADERS = {
    'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
}
ASSETS = {'/': ('label.html', 'text/html'),
          '/label.css': ('label.css', 'text/css'),
          '/label.js': ('label.js', 'text/javascript'),
          '/player.js': ('player.js', 'text/javascript')}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Held(BaseModel):
    """The clips that a page has: the shown one and the next one."""
    page: str
    held: List[str] = []


class Wanted(Held):
    """Asks for the next clip behind a place in the pool."""
    after: int = -1
    skipped: bool = False


class Answer(BaseModel):
    """A label, and the one that the page has seen."""
    name: str
    label: Optional[str]
    expected: Optional[str]


class NewClass(BaseModel):
    """The name of a class to add."""
    name: str


def make_app(pool: ClipPool, store: LabelStore,
             command: Optional[str] = None) -> FastAPI:
    """Makes the application of the label page.

    Args:
        pool (ClipPool): The clips.
        store (LabelStore): Their labels.
        command (str, optional): What to run when all clips have an answer.
            Defaults to None, nothing.

    Returns:
        FastAPI: It answers only requests to this machine's own name, and only
        writes of its own page.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware('http')(guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS,
                       www_redirect=False)
    add_errors(app, store)
    add_assets(app)
    add_clips(app, pool, store)
    add_labels(app, store)

    @app.get('/api/setup')
    def setup() -> Dict[str, Any]:
        return dict(table=store.table.path, pool=pool.path, command=command,
                    closed=store.classes.closed)

    return app


async def guard(request: Request, call_next: Any) -> Response:
    """Refuses writes of other sites, and sets the headers of answers."""
    origin = request.headers.get('origin')
    kind = request.headers.get('content-type', '').partition(';')[0]
    if origin not in (None, f'http://{request.headers.get("host")}'):
        response: Response = problem(403, 'this request is of another site')
    elif request.method not in ('GET', 'HEAD') and (
            kind.strip().lower() != 'application/json'):
        response = problem(415, 'this request is not JSON')
    else:
        response = await call_next(request)
    response.headers.update(HEADERS)
    return response


def problem(status: int, message: str, **more: Any) -> JSONResponse:
    """Returns an error as JSON."""
    return JSONResponse(dict(message=message, **more), status)


def add_errors(app: FastAPI, store: LabelStore) -> None:
    """Adds the answers to errors: a status and a sentence."""

    @app.exception_handler(InputError)
    def invalid(request: Request, error: InputError) -> Response:
        return problem(422, f'{error}.')

    @app.exception_handler(ConflictError)
    def conflict(request: Request, error: ConflictError) -> Response:
        return problem(409, f'{error}.', kind='conflict', label=error.label)

    @app.exception_handler(TableChangedError)
    def changed(request: Request, error: TableChangedError) -> Response:
        return problem(409, f'{error}.', kind='changed')

    @app.exception_handler(OSError)
    def failed(request: Request, error: OSError) -> Response:
        return problem(
            507 if error.errno in FULL else 500,
            f'{store.table.path} cannot be written and is unchanged: '
            f'{error.strerror or error}.')


def add_assets(app: FastAPI) -> None:
    """Adds page, style sheet and scripts."""

    def add(path: str, text: str, kind: str) -> None:
        @app.get(path)
        def asset() -> Response:
            return Response(text, media_type=kind)

    for path, (name, kind) in ASSETS.items():
        add(path, read_asset(name), kind)


def add_clips(app: FastAPI, pool: ClipPool, store: LabelStore) -> None:
    """Adds clips and the order in which they are asked."""
    queue = ClipQueue(pool, store)

    @app.get('/api/clip')
    def clip(name: Optional[str] = None, place: int = 0) -> Response:
        if name is None and 0 <= place < len(pool.names):
            name = pool.names[place]
        if name not in pool.places:
            return problem(404, 'there is no such clip in the pool.')
        found: Dict[str, Any] = dict(
            name=name, place=pool.places[name], label=store.label_of(name))
        try:
            drawn, persons, frames = pool.draw(name)
        except UndrawableClipError as error:
            return JSONResponse(dict(found, problem=f'{error}.'), 422)
        return JSONResponse(dict(found, clip=drawn, persons=persons,
                                 frames=frames))

    @app.post('/api/next')
    def following(wanted: Wanted) -> Dict[str, Any]:
        return dict(name=queue.next(wanted.page, wanted.after, wanted.held,
                                    wanted.skipped))

    @app.post('/api/state')
    def state(held: Held) -> Dict[str, Any]:
        queue.hold(held.page, held.held)
        return dict(store.progress(), labels={
            name: store.label_of(name) for name in held.held})


def add_labels(app: FastAPI, store: LabelStore) -> None:
    """Adds what changes the table."""

    @app.put('/api/label')
    def write(answer: Answer) -> Dict[str, Any]:
        store.write(answer.name, answer.label, answer.expected)
        return store.progress()

    @app.post('/api/class')
    def add_class(new: NewClass) -> Dict[str, Any]:
        return dict(label=store.add_class(new.name), **store.progress())
