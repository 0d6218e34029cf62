"""Tools for AI assistants over MCP: read, compare and worklist. Off unless BONEFX_MCP=1.

gradio can offer its endpoints as tools, but it names them after functions, accepts no list of
films, and keeps films that were sent as base64. These tools call the same functions as the HTTP
endpoints and delete each film once it is read.
"""

from __future__ import annotations

import base64
import binascii
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

import anyio
from pydantic import Field
from starlette.applications import Starlette
from starlette.routing import Route

from bonefx.errors import BonefxError, UnreadableRadiographError
from bonefx.process.logs import current_request_id
from bonefx.reading.reader import Reader
from bonefx.web.auth.login_gate import BasicAuthMiddleware
from bonefx.web.compare.api import CompareApi
from bonefx.web.read.api import ReadApi
from bonefx.web.server_settings import ServerSettings
from bonefx.web.service.hosts import MCP_PATH
from bonefx.web.service.request_log import new_reference
from bonefx.web.shared.error_messages import as_sentence
from bonefx.web.shared.uploads import MAX_UPLOAD_MB, delete_upload, is_upload
from bonefx.web.worklist.api import WorklistApi
from bonefx.web.worklist.session_list import LIST_FOLDER_PREFIX

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

MAX_BODY_BYTES = 2 * MAX_UPLOAD_MB * 1_000_000  # base64 is a third larger than the film
MAX_PATH_LENGTH = 4096  # characters
INSTRUCTIONS = (
    "Reads bone radiographs for fractures. Research software, not a medical device: say so "
    "whenever you report a verdict. Send a film as the base64 of its file, or as the path that "
    "POST /gradio_api/upload (multipart, field 'files') returned. A film is deleted once it is "
    "read."
)
TOOL_FAULT = (
    "The program failed on this call. This is a fault in bonefx; the server's log has the details."
)
NO_FILM_GIVEN = (
    "the film is neither base64 nor the path of an upload to this app; encode the file's bytes, or "
    "send the file to /gradio_api/upload first"
)
logger = logging.getLogger(__name__)
ToolFunction = Callable[[list[str]], Mapping[str, Any]]

FilmArgument = Annotated[
    str, Field(description="Base64 of the film's file, or the path of an upload.")
]
FilmsArgument = Annotated[
    list[str],
    Field(description="Films, each as base64 or as the path of an upload; also zip archives."),
]
ModelsArgument = Annotated[list[str], Field(description="Names of two or more loaded models.")]
InvertArgument = Annotated[
    bool, Field(description="Swap black and white first, for a film that shows bone dark.")
]
TurnArgument = Annotated[
    int, Field(description="Turn the film clockwise first: 0, 90, 180 or 270 degrees.")
]
MirrorArgument = Annotated[bool, Field(description="Swap left and right first.")]
CropArgument = Annotated[
    list[int] | None,
    Field(
        description="Read only this part: top, left, bottom, right in pixels of the film as bonefx "
        "reads it, upright and with square pixels."
    ),
]
OutsideScopeArgument = Annotated[
    bool,
    Field(
        description="Read the film anyway if only the statistics of the training films refuse it. "
        "Set it only if the user asks for it, and say that the answer is out of scope."
    ),
]
DamagedArgument = Annotated[
    bool,
    Field(description="Read a damaged JPEG as far as it can be decoded, if the user asks for it."),
]
RegionArgument = Annotated[
    str,
    Field(description="Body region of the film, for region_notes; left out if it is not known."),
]
PointArgument = Annotated[
    str | None,
    Field(description="Name of an operating point; the model's default if left out."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpTools:
    """The tools. Calls are answered one after another.

    Attributes:
        reader: Holds the loaded models.
        slot: Held by the call in progress.
    """

    reader: Reader
    slot: anyio.Semaphore

    async def read(  # noqa: PLR0913 (one argument for each of the endpoint)
        self,
        film: FilmArgument,
        point: PointArgument = None,
        *,
        invert: InvertArgument = False,
        turn: TurnArgument = 0,
        mirror: MirrorArgument = False,
        crop: CropArgument = None,
        outside_scope: OutsideScopeArgument = False,
        damaged: DamagedArgument = False,
        region: RegionArgument = "",
    ) -> dict[str, Any]:
        """See ReadApi.read."""
        api = ReadApi(reader=self.reader)
        return await self._call(
            [film],
            lambda paths: api.read(
                paths[0], point, invert, turn, mirror, crop, outside_scope, damaged, region
            ),
        )

    async def compare(self, film: FilmArgument, models: ModelsArgument) -> dict[str, Any]:
        """See CompareApi.compare."""
        api = CompareApi(reader=self.reader)
        return await self._call([film], lambda paths: api.compare(paths[0], models))

    async def worklist(self, films: FilmsArgument, point: PointArgument = None) -> dict[str, Any]:
        """See WorklistApi.worklist."""
        api = WorklistApi(reader=self.reader)
        return await self._call(films, lambda paths: {"films": api.worklist(paths, point)})

    async def _call(self, films: Sequence[str], function: ToolFunction) -> dict[str, Any]:
        async with self.slot:
            return await anyio.to_thread.run_sync(_call_tool, function, films)


def mcp_app_settings(reader: Reader, settings: ServerSettings) -> dict[str, Any]:
    """Return the settings of gradio's server that offer the tools at MCP_PATH.

    Args:
        reader: Holds the loaded models.
        settings: Settings of the server; with credentials, the tools ask for them.
    """
    server = _mcp_server()
    tools = McpTools(reader=reader, slot=anyio.Semaphore(1))
    for tool, function in (
        (tools.read, ReadApi.read),
        (tools.compare, CompareApi.compare),
        (tools.worklist, WorklistApi.worklist),
    ):
        server.add_tool(tool, description=f"{getdoc(function)}\n\n{_choices_text(reader)}")
    app = server.streamable_http_app()

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    routes = [
        Route(path, _with_login(route.endpoint, settings))
        for route in app.routes
        if isinstance(route, Route)
        for path in (route.path, f"{route.path}/")
    ]
    return {"routes": routes, "lifespan": running}


def _with_login(endpoint: Any, settings: ServerSettings) -> Any:
    return endpoint if settings.login is None else BasicAuthMiddleware(endpoint, settings.login)


def _mcp_server() -> FastMCP[Any]:
    from mcp.server.fastmcp import FastMCP
    from mcp.server.transport_security import TransportSecuritySettings

    # HostsMiddleware checks Host and Origin of every route
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return FastMCP(
        "bonefx", INSTRUCTIONS, log_level="WARNING", streamable_http_path=MCP_PATH,
        stateless_http=True, json_response=True, max_request_body_size=MAX_BODY_BYTES,
        transport_security=security,
    )  # fmt: skip


def _choices_text(reader: Reader) -> str:
    """List the operating points and models that a call may name."""
    points = ", ".join(point.name for point in reader.model().manifest.operating_points)
    models = ", ".join(model.name for model in reader.models)
    return (
        f"Operating points: {points}. Loaded models: {models}; read and worklist use the first one."
    )


def _call_tool(function: ToolFunction, films: Sequence[str]) -> dict[str, Any]:
    """Call a function with the paths of films.

    Raises:
        ToolError: With our own error's message as a sentence; every other error is logged, and
            reported without details.
    """
    from mcp.server.fastmcp.exceptions import ToolError

    try:
        with received_films(films) as paths:
            return dict(function(paths))
    except BonefxError as error:
        raise ToolError(as_sentence(error)) from error
    except Exception as error:
        reference = current_request_id.get() or new_reference()
        logger.exception("a tool failed", extra={"request_id": reference})
        raise ToolError(f"{TOOL_FAULT} Reference {reference}.") from error


@contextmanager
def received_films(films: Sequence[str]) -> Iterator[list[str]]:
    """Yield the paths of films, and delete all of them afterwards.

    Args:
        films: Base64 of a file each, or the path of an upload.

    Raises:
        UnreadableRadiographError: A film is neither base64 nor an upload.
    """
    with tempfile.TemporaryDirectory(prefix=LIST_FOLDER_PREFIX) as folder, ExitStack() as received:
        paths = []
        invalid: UnreadableRadiographError | None = None
        for number, film in enumerate(films, 1):
            try:
                path = _film_path(film, Path(folder) / f"film {number}")
            except UnreadableRadiographError as error:
                invalid = invalid or error  # the uploads after it are deleted too
            else:
                received.callback(delete_upload, path)
                paths.append(str(path))
        if invalid is not None:
            raise invalid
        yield paths


def _film_path(film: str, target: Path) -> Path:
    """Return the path of an upload; or write base64 to the target, and return this path."""
    if len(film) < MAX_PATH_LENGTH and film.isprintable():
        path = Path(unquote(film.rpartition("/gradio_api/file=")[2])).resolve()
        if is_upload(path):
            return path
    characters = "".join((film.partition("base64,")[2] or film).split())
    try:
        content = base64.b64decode(characters, validate=True)
    except binascii.Error:
        raise UnreadableRadiographError(NO_FILM_GIVEN) from None
    target.write_bytes(content)
    return target
