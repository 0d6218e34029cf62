"""What an assistant may ask over MCP: read, compare and worklist. Off unless BONEFX_MCP=1.

gradio can offer endpoints as tools itself, but calls them all on_api, cannot take a list of films,
and leaves a film that came as base64 on the disk. Here a film is deleted when it is read, as one
that the page sends.
"""

from __future__ import annotations

import base64
import binascii
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

import anyio
from gradio.utils import get_upload_folder
from pydantic import Field
from starlette.applications import Starlette
from starlette.routing import Route

from bonefx.errors import BonefxError, UnreadableRadiographError
from bonefx.reading.reader import Reader
from bonefx.web.auth.login_gate import BasicAuthMiddleware
from bonefx.web.compare.screen import CompareScreen
from bonefx.web.read.handlers import ReadScreen
from bonefx.web.server_settings import ServerSettings
from bonefx.web.shared.error_messages import as_sentence
from bonefx.web.shared.uploads import MAX_UPLOAD_MB
from bonefx.web.worklist.screen import WorklistScreen
from bonefx.web.worklist.session_list import LIST_FOLDER_PREFIX, SessionLists

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

MCP_PATH = "/gradio_api/mcp"
BODY_BYTES = 2 * MAX_UPLOAD_MB * 1_000_000  # base64 takes a third more than the film
LONGEST_PATH = 4096  # characters
INSTRUCTIONS = (
    "Reads bone radiographs for fractures. Research software, not a medical device: say so when "
    "you tell a verdict. A film is given as base64 of its file, or as the path that the app "
    "answered to POST /gradio_api/upload (multipart, field 'files'). It is deleted when read."
)
TOOL_FAULT = "The program failed on this call, and the fault is ours. The server's log says more."
NO_FILM_GIVEN = (
    "the film is neither base64 nor a path that this app answered to an upload; encode the file's "
    "bytes, or send the file to /gradio_api/upload first"
)
HERE = ("127.0.0.1:*", "localhost:*", "[::1]:*")
LOG = logging.getLogger(__name__)
Handler = Callable[[list[str]], Mapping[str, Any]]

FilmArgument = Annotated[str, Field(description="Base64 of the file, or the path of an upload.")]
FilmsArgument = Annotated[
    list[str], Field(description="Each as for read; zip archives of films too.")
]
ModelsArgument = Annotated[list[str], Field(description="Names of two or more loaded models.")]
InvertArgument = Annotated[
    bool, Field(description="Swap black and white: the film shows bone dark.")
]
PointArgument = Annotated[
    str | None, Field(description="Name of an operating point; the model's own choice if left out.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpTools:
    """The tools; the screens' handlers for programs answer them, one call after another.

    Attributes:
        reader: Holds the loaded models.
        turn: Held by the call that is answered.
    """

    reader: Reader
    turn: anyio.Semaphore

    async def read(
        self, film: FilmArgument, point: PointArgument = None, *, invert: InvertArgument = False
    ) -> dict[str, Any]:
        """See SingleScreen.on_api."""
        screen = ReadScreen(reader=self.reader, examples=())
        return await self._answer([film], lambda paths: screen.on_api(paths[0], point, invert))

    async def compare(self, film: FilmArgument, models: ModelsArgument) -> dict[str, Any]:
        """See CompareScreen.on_api."""
        screen = CompareScreen(reader=self.reader, examples=())
        return await self._answer([film], lambda paths: screen.on_api(paths[0], models))

    async def worklist(self, films: FilmsArgument, point: PointArgument = None) -> dict[str, Any]:
        """See WorklistScreen.on_api."""
        screen = WorklistScreen(reader=self.reader, listings=SessionLists())
        return await self._answer(films, lambda paths: {"films": screen.on_api(paths, point)})

    async def _answer(self, films: Sequence[str], handler: Handler) -> dict[str, Any]:
        async with self.turn:
            return await anyio.to_thread.run_sync(_answer, handler, films)


def mcp_app_settings(reader: Reader, settings: ServerSettings) -> dict[str, Any]:
    """Give the settings of the server that offer a reader's tools at PLACE, or PLACE/."""
    server = _server(settings)
    tools = McpTools(reader=reader, turn=anyio.Semaphore(1))
    for tool, handler in (
        (tools.read, ReadScreen.on_api),
        (tools.compare, CompareScreen.on_api),
        (tools.worklist, WorklistScreen.on_api),
    ):
        server.add_tool(tool, description=f"{getdoc(handler)}\n\n{_loaded(reader)}")
    app = server.streamable_http_app()

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    places = [route for route in app.routes if isinstance(route, Route)]
    offered = [
        Route(path, _guarded(route.endpoint, settings))
        for route in places
        for path in (route.path, f"{route.path}/")
    ]
    return {"routes": offered, "lifespan": running}


def _guarded(endpoint: Any, settings: ServerSettings) -> Any:
    return endpoint if settings.login is None else BasicAuthMiddleware(endpoint, settings.login)


def _server(settings: ServerSettings) -> FastMCP[Any]:
    from mcp.server.fastmcp import FastMCP
    from mcp.server.transport_security import TransportSecuritySettings

    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=settings.only_here,
        allowed_hosts=list(HERE),
        allowed_origins=[f"http://{host}" for host in HERE],
    )
    return FastMCP(
        "bonefx", INSTRUCTIONS, log_level="WARNING", streamable_http_path=MCP_PATH,
        stateless_http=True, json_response=True, max_request_body_size=BODY_BYTES,
        transport_security=security,
    )  # fmt: skip


def _loaded(reader: Reader) -> str:
    """Name what may be chosen."""
    points = ", ".join(point.name for point in reader.model().manifest.operating_points)
    models = ", ".join(model.name for model in reader.models)
    return f"Operating points: {points}. Loaded models: {models}; read and worklist take the first."


def _answer(handler: Handler, films: Sequence[str]) -> dict[str, Any]:
    """Let a handler answer; tell our own errors as a sentence, and log every other one."""
    from mcp.server.fastmcp.exceptions import ToolError

    try:
        with handed_over(films) as paths:
            return dict(handler(paths))
    except BonefxError as error:
        raise ToolError(as_sentence(error)) from error
    except Exception as error:
        LOG.exception("a tool failed")
        raise ToolError(TOOL_FAULT) from error


@contextmanager
def handed_over(films: Sequence[str]) -> Iterator[list[str]]:
    """Give the paths of films as long as they are needed; none of them stays.

    Raises:
        UnreadableRadiographError: One of them is neither base64 nor an upload.
    """
    with tempfile.TemporaryDirectory(prefix=LIST_FOLDER_PREFIX) as folder:
        given = [_given(film, Path(folder) / f"film {i}") for i, film in enumerate(films, 1)]
        try:
            yield [str(path) for path in given]
        finally:
            for path in given:
                path.unlink(missing_ok=True)


def _given(film: str, place: Path) -> Path:
    """Find an upload, or write what came as base64 to a place."""
    uploads = Path(get_upload_folder()).resolve()
    if len(film) < LONGEST_PATH and film.isprintable():
        named = Path(unquote(film.rpartition("/gradio_api/file=")[2])).resolve()
        if uploads in named.parents and named.is_file():
            return named
    letters = "".join((film.partition("base64,")[2] or film).split())
    try:
        content = base64.b64decode(letters, validate=True)
    except binascii.Error:
        raise UnreadableRadiographError(NO_FILM_GIVEN) from None
    place.write_bytes(content)
    return place
