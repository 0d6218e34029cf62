"""The variables of the environment that set up bonefx: their names, meanings and values.

Every module reads them through `variable`, so that a name which is not in VARIABLES cannot be used
by the program, and one that is misspelt in the environment is found when the app starts.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping

from bonefx.errors import SettingsError

PREFIX = "BONEFX_"
VARIABLES = {
    "BONEFX_HOST": "address to listen at (default: 127.0.0.1)",
    "BONEFX_PORT": "port to listen at (default: 7860)",
    "BONEFX_ROOT_PATH": "path under which a reverse proxy serves the app",
    "BONEFX_ALLOWED_HOSTS": "names under which users open the app, separated by commas",
    "BONEFX_AUTH": "file of users and password hashes, see `bonefx login`",
    "BONEFX_ALLOW_PUBLIC": "1: serve other machines without a login",
    "BONEFX_MCP": "1: offer the readings to assistants over MCP",
    "BONEFX_STOP_S": "seconds for running requests to finish after SIGTERM (default: 20)",
    "BONEFX_QUEUE": "requests that may wait to be read (default: 50)",
    "BONEFX_FILM_MEMORY_MB": "memory for the films of all sessions (default: 1000)",
    "BONEFX_METRICS": "address and port of figures for Prometheus, such as 127.0.0.1:9464",
    "BONEFX_LOG_FORMAT": "text or json: lines of the log (default: text)",
    "BONEFX_WEIGHTS": "folder of models",
    "BONEFX_DEVICE": "cpu, cuda, cuda:N, mps or auto",
    "BONEFX_ENGINE": "onnx or torch: what runs the networks on a CPU",
    "BONEFX_CACHE": "folder of networks that were exported for ONNX Runtime",
    "BONEFX_DECODERS": "processes that decode films; 0: the server's own (default: 2)",
}


def variable(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Return the value of a variable; None if it is not set.

    Args:
        name: A key of VARIABLES.
        environment: Where to look; None takes the environment of the process.

    Raises:
        KeyError: The name is not in VARIABLES, which is a fault of the program.
    """
    if name not in VARIABLES:
        raise KeyError(name)
    return (os.environ if environment is None else environment).get(name)


def check_names(environment: Mapping[str, str]) -> None:
    """Refuse variables of bonefx that do not exist, so that no misspelt setting is ignored.

    Raises:
        SettingsError: Names the variable and the one that was probably meant.
    """
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.75)
            remedy = f"did you mean {near[0]}?" if near else "unset it; `bonefx serve -h` lists all"
            raise SettingsError(f"{name} is set, but bonefx has no such variable; {remedy}")


def help_text() -> str:
    """Return a line for each variable, aligned."""
    width = max(map(len, VARIABLES)) + 3
    return "".join(f"  {name:<{width}}{meaning}\n" for name, meaning in VARIABLES.items())
