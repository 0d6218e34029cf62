"""Serve bonefx in a browser: `python app.py`, and the entry of a Hugging Face Space.

Settings: BONEFX_DEVICE, BONEFX_WEIGHTS (a folder of models), BONEFX_HOST, BONEFX_PORT,
BONEFX_ROOT_PATH (of a reverse proxy), BONEFX_AUTH (who may log in), BONEFX_ALLOW_PUBLIC and
BONEFX_MCP (tools for assistants).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from bonefx.errors import BonefxError
from bonefx.models.registry import pick_device
from bonefx.reading.reader import Reader
from bonefx.web.mcp_tools import mcp_app_settings
from bonefx.web.page import build_page, launch
from bonefx.web.server_settings import server_settings


def serve(device_name: str | None, models: Sequence[str]) -> None:
    """Load all models of the weights folder and those asked for; serve until stopped."""
    settings = server_settings(os.environ)
    device = pick_device(device_name)
    reader = Reader.from_folder(device=device, also=models)
    reader.warm_up()
    names = ", ".join(
        f"{model.name} ({model.origin})" if model.origin else model.name for model in reader.models
    )
    print(
        f"bonefx: {names} on {device}; open http://{settings.host}:{settings.port}",
        file=sys.stderr,
        flush=True,
    )
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # end as by Ctrl-C: delete all uploads
    tools = mcp_app_settings(reader, settings) if settings.tools else None
    launch(build_page(reader), settings, tools=tools)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; end with a sentence and an exit code where a user can do something about it."""
    parser = argparse.ArgumentParser(description="Serve bonefx in a browser.")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, mps or auto (default: BONEFX_DEVICE)")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="also a model folder's path or hf:OWNER/NAME[@REVISION]; may be given again",
    )
    options = parser.parse_args(argv)
    try:
        serve(options.device, options.model)
    except BonefxError as error:
        print(f"bonefx: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
