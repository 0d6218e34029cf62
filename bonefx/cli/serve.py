"""`bonefx serve`: start the app in a browser. app.py starts the same command."""

from __future__ import annotations

import argparse
import logging
import os
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import add_extra_models_argument, add_machine_arguments, load_reader
from bonefx.cli.long_running import leave_running_threads, long_running, print_message
from bonefx.environment import help_text

if TYPE_CHECKING:
    import torch

    from bonefx.reading.reader import Reader
    from bonefx.web.server_settings import ServerSettings

logger = logging.getLogger(__name__)


def add_serve_command(commands: Any) -> None:
    """Add `bonefx serve` to the subparsers of the command line."""
    serve = commands.add_parser(
        "serve",
        help="start the app in a browser",
        description="Load all models of the weights folder and serve the app until stopped.",
        epilog=f"environment:\n{help_text()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--host", metavar="ADDRESS", help="address to listen at, for BONEFX_HOST")
    serve.add_argument("--port", metavar="N", help="port to listen at, for BONEFX_PORT")
    serve.add_argument("--log-format", metavar="FORMAT", help="text or json, for BONEFX_LOG_FORMAT")
    add_extra_models_argument(serve)
    add_machine_arguments(serve)
    serve.set_defaults(run=run_serve)


def run_serve(options: argparse.Namespace) -> int:
    """Load every model, print the address on stderr and serve until SIGINT or SIGTERM."""
    from bonefx.web.server_settings import server_settings

    settings = server_settings(os.environ | _given(options))  # refused before models load
    from bonefx.process.address import check_address
    from bonefx.web.service import request_log

    finished = True
    with long_running(settings.log_format, events=(__name__, request_log.__name__)):
        check_address(settings.host, settings.port)  # before models load and the address is printed
        if settings.metrics is not None:
            check_address(*settings.metrics)
        finished = _load_and_serve(options, settings)
    if not finished:
        leave_running_threads()
    return 0


def _load_and_serve(options: argparse.Namespace, settings: ServerSettings) -> bool:
    """Return whether all requests in progress were finished when the app was stopped."""
    from bonefx.films.decoding.pool import start_decoding

    start_decoding()  # while the models load
    from bonefx.web.launch import Service
    from bonefx.web.mcp_tools import mcp_app_settings
    from bonefx.web.metrics import MeasuredReader, ServiceMetrics
    from bonefx.web.page import build_page

    reader = load_reader(options, also=options.model)
    metrics = ServiceMetrics() if settings.metrics else None
    if metrics is not None:
        reader = MeasuredReader(reader.models, metrics)
    reader.warm_up()
    print_message(_start_message(reader, settings), log_format=settings.log_format, log=logger)
    service = Service(
        page=build_page(reader),
        settings=settings,
        models=[model.name for model in reader.models],
        tools=mcp_app_settings(reader, settings) if settings.tools else {},
        metrics=metrics,
    )
    return service.serve()


def _given(options: argparse.Namespace) -> dict[str, str]:
    """Return options as the variables that they stand for; one rule checks both."""
    given = {
        "BONEFX_HOST": options.host,
        "BONEFX_PORT": options.port,
        "BONEFX_LOG_FORMAT": options.log_format,
    }
    return {name: value for name, value in given.items() if value is not None}


def _start_message(reader: Reader, settings: ServerSettings) -> str:
    from bonefx.web.service.hosts import own_host

    names = ", ".join(
        f"{model.name} ({model.origin})" if model.origin else model.name for model in reader.models
    )
    device: torch.device = reader.models[0].device
    return f"{names} on {device}; open http://{own_host(settings.host)}:{settings.port}"
