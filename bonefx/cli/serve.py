"""`bonefx serve`: start the app in a browser. app.py starts the same command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import add_extra_models_argument, add_machine_arguments, load_reader

if TYPE_CHECKING:
    import torch

    from bonefx.reading.reader import Reader
    from bonefx.web.server_settings import ServerSettings

ENVIRONMENT_HELP = """\
environment:
  BONEFX_HOST, BONEFX_PORT   address and port (default: 127.0.0.1, 7860)
  BONEFX_ROOT_PATH           path under which a reverse proxy serves the app
  BONEFX_AUTH                file of users and password hashes, see `bonefx login`
  BONEFX_ALLOW_PUBLIC        1: serve other machines without a login
  BONEFX_MCP                 1: offer the readings to assistants over MCP
  BONEFX_WEIGHTS             folder of models
  BONEFX_DEVICE              cpu, cuda, cuda:N, mps or auto
  BONEFX_ENGINE              onnx or torch: what runs the networks on a CPU
  BONEFX_CACHE               folder of networks that were exported for ONNX Runtime
  BONEFX_DECODERS            number of processes that decode films (default: 2)
"""


def add_serve_command(commands: Any) -> None:
    """Add `bonefx serve` to the subparsers of the command line."""
    serve = commands.add_parser(
        "serve",
        help="start the app in a browser",
        description="Load all models of the weights folder and serve the app until stopped.",
        epilog=ENVIRONMENT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--host", metavar="ADDRESS", help="address to listen at, for BONEFX_HOST")
    serve.add_argument("--port", metavar="N", help="port to listen at, for BONEFX_PORT")
    add_extra_models_argument(serve)
    add_machine_arguments(serve)
    serve.set_defaults(run=run_serve)


def run_serve(options: argparse.Namespace) -> int:
    """Load every model, print the address on stderr and serve until SIGINT or SIGTERM."""
    from bonefx.films.decoding.pool import stop_decoding
    from bonefx.web.server_settings import server_settings

    settings = server_settings(os.environ | _address_of(options))  # refused before models load
    from bonefx.web import page
    from bonefx.web.mcp_tools import mcp_app_settings

    page.check_address(settings)  # before models load, and before the address is printed
    reader = load_reader(options, also=options.model)
    reader.warm_up()
    print(_start_message(reader, settings), file=sys.stderr, flush=True)
    # SIGTERM ends the server as Ctrl-C does, so that all uploads are deleted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tools = mcp_app_settings(reader, settings) if settings.tools else None
    try:
        page.launch(page.build_page(reader), settings, tools=tools)
    finally:
        stop_decoding()
    return 0


def _address_of(options: argparse.Namespace) -> dict[str, str]:
    """Return --host and --port as the variables that they stand for; one rule checks both."""
    given = {"BONEFX_HOST": options.host, "BONEFX_PORT": options.port}
    return {name: value for name, value in given.items() if value is not None}


def _start_message(reader: Reader, settings: ServerSettings) -> str:
    names = ", ".join(
        f"{model.name} ({model.origin})" if model.origin else model.name for model in reader.models
    )
    device: torch.device = reader.models[0].device
    return f"bonefx: {names} on {device}; open http://{settings.host}:{settings.port}"
