"""Serve bonefx in a browser: `python app.py`, and the entry of a Hugging Face Space.

Settings: BONEFX_DEVICE, BONEFX_HOST, BONEFX_PORT and BONEFX_WEIGHTS (a folder of models).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from bonefx.errors import BonefxError, SettingsError
from bonefx.reader import Reader
from bonefx.registry import pick_device
from bonefx.ui.layout import ServerSettings, build, launch


def server_settings(environment: Mapping[str, str]) -> ServerSettings:
    """Take host and port from the environment; a Space must listen at all addresses.

    Raises:
        SettingsError: The port is not a number from 1 to 65535.
    """
    default_host = "0.0.0.0" if "SPACE_ID" in environment else "127.0.0.1"  # noqa: S104
    port = environment.get("BONEFX_PORT", "7860")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SettingsError(f"BONEFX_PORT is {port!r}; use a number from 1 to 65535")
    return ServerSettings(host=environment.get("BONEFX_HOST", default_host), port=int(port))


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
    launch(build(reader), settings)


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
