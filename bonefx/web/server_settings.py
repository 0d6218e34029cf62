"""Settings of the server, read from environment variables at one place. Imports no gradio."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from bonefx.environment import check_names, variable
from bonefx.errors import SettingsError
from bonefx.process.address import MAX_PORT, parse_port
from bonefx.process.logs import LOG_FORMATS
from bonefx.web.auth.passwords import Credentials, read_credentials
from bonefx.web.film_memory import DEFAULT_MB
from bonefx.web.service.headers import HeaderRules
from bonefx.web.service.hosts import HostRules, own_host

ALLOW_PUBLIC = "BONEFX_ALLOW_PUBLIC"
MCP_TOOLS = "BONEFX_MCP"
ZERO_GPU = "SPACES_ZERO_GPU"  # set by a Hugging Face Space, read by the package spaces
MAX_STOP_S = 3600
HTTP_PORT = 80
MAX_QUEUE = 1000
MAX_FILM_MEMORY_MB = 1_000_000
HOST_NAME = re.compile(r"(\*\.)?[\w.-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the page is served, and who may use it.

    Attributes:
        host: Address to listen at.
        port: Port to listen at; no other port is tried.
        root_path: Path under which a reverse proxy serves the page; empty without a proxy.
        login: Users and passwords; None if everybody who reaches the address may use the page.
        tools: Whether assistants may read films over MCP.
        hosts: Names under which the app answers.
        headers: Rules for the headers of its answers.
        stop_s: Longest time that running requests get to finish after SIGTERM, seconds.
        queue: Most requests that wait to be read; further ones are refused.
        film_memory_mb: Memory for the films of all sessions.
        metrics: Host and port of the figures for Prometheus; None for none.
        log_format: "text" or "json".
    """

    host: str
    port: int
    root_path: str = ""
    login: Credentials | None = None
    tools: bool = False
    hosts: HostRules = field(default_factory=lambda: HostRules(any_host=False))
    headers: HeaderRules = field(default_factory=HeaderRules)
    stop_s: int = 20
    queue: int = 50
    film_memory_mb: int = DEFAULT_MB
    metrics: tuple[str, int] | None = None
    log_format: str = "text"


def server_settings(environment: Mapping[str, str]) -> ServerSettings:
    """Read the settings of the server; bonefx.environment.VARIABLES says what each one means.

    A Hugging Face Space listens at all addresses, because the Space controls access itself.

    Args:
        environment: Environment variables.

    Raises:
        SettingsError: A value is invalid, or a variable of bonefx does not exist; or the address
            can be reached from other machines without a login, and BONEFX_ALLOW_PUBLIC does not
            allow it; or the Space has ZeroGPU.
    """
    check_names(environment)
    _refuse_zero_gpu(environment)
    get = partial(variable, environment=environment)
    in_space = "SPACE_ID" in environment
    host = get("BONEFX_HOST")
    if host is None:
        host = "0.0.0.0" if in_space else "127.0.0.1"  # noqa: S104
    port = _number("BONEFX_PORT", get("BONEFX_PORT"), default=7860, least=1, most=MAX_PORT)
    root_path = _root_path(get("BONEFX_ROOT_PATH") or "")
    settings = ServerSettings(
        host=host,
        port=port,
        root_path=root_path,
        login=_login(get("BONEFX_AUTH")),
        tools=_tools(get(MCP_TOOLS)),
        hosts=_hosts(get("BONEFX_ALLOWED_HOSTS"), host=host, port=port, root_path=root_path),
        headers=HeaderRules(in_space=in_space),
        stop_s=_number("BONEFX_STOP_S", get("BONEFX_STOP_S"), default=20, least=0, most=MAX_STOP_S),
        queue=_number("BONEFX_QUEUE", get("BONEFX_QUEUE"), default=50, least=1, most=MAX_QUEUE),
        film_memory_mb=_number(
            "BONEFX_FILM_MEMORY_MB",
            get("BONEFX_FILM_MEMORY_MB"),
            default=DEFAULT_MB,
            least=1,
            most=MAX_FILM_MEMORY_MB,
        ),
        metrics=_metrics(get("BONEFX_METRICS")),
        log_format=_log_format(get("BONEFX_LOG_FORMAT")),
    )
    _check_access(settings, allowed=in_space or _flag(ALLOW_PUBLIC, get(ALLOW_PUBLIC)))
    return settings


def _refuse_zero_gpu(environment: Mapping[str, str]) -> None:
    """Refuse the hardware of a Space that starts no app without a function that needs its GPU.

    There torch reports a GPU that exists only within such a function, which runs in a process of
    its own; docs/deployment.md says why bonefx has none.
    """
    if environment.get(ZERO_GPU, "").lower() in {"1", "t", "true"}:
        raise SettingsError(
            "this Space has the hardware ZeroGPU, which bonefx does not use; choose CPU basic, or "
            "a GPU of its own, in the settings of the Space"
        )


def _check_access(settings: ServerSettings, *, allowed: bool) -> None:
    """Refuse an address that other machines can reach without a login."""
    if settings.login is None and not allowed and not _is_loopback(settings.host):
        raise SettingsError(
            f"BONEFX_HOST {settings.host} can be reached from other machines without a login; set "
            f"BONEFX_AUTH, or {ALLOW_PUBLIC}=1 if a reverse proxy or a firewall controls access"
        )
    if settings.metrics and not allowed and not _is_loopback(settings.metrics[0]):
        raise SettingsError(
            f"BONEFX_METRICS {settings.metrics[0]} can be reached from other machines, and has no "
            f"login; use 127.0.0.1, or {ALLOW_PUBLIC}=1 if a firewall controls access"
        )


def _login(text: str | None) -> Credentials | None:
    """Read who may log in; an empty value is refused, since it would let everybody in."""
    if text is not None and not text.strip():
        raise SettingsError(
            "BONEFX_AUTH is empty; name the file of users, or unset it to serve without a login"
        )
    return None if text is None else read_credentials(text)


def _hosts(text: str | None, *, host: str, port: int, root_path: str) -> HostRules:
    """Read the names of the app; without any, a local app answers to names of this machine alone.

    Behind a proxy, and at a public address, an app without BONEFX_ALLOWED_HOSTS cannot know its
    names, and answers to all.
    """
    names = tuple(name.strip().lower() for name in text.split(",")) if text else ()
    for name in names:
        if not HOST_NAME.fullmatch(name):
            raise SettingsError(
                f"BONEFX_ALLOWED_HOSTS has {name!r}; use names such as films.example.org, "
                "separated by commas, without https://"
            )
    address_of_proxy = urlsplit(root_path).netloc.lower()
    local = _is_loopback(host) and not root_path
    own_name = own_host(host) if port == HTTP_PORT else f"{own_host(host)}:{port}"
    own = (own_name, *([address_of_proxy] if address_of_proxy else []))
    return HostRules(any_host=not (names or local), allowed=(*names, *own))


def _metrics(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, digits = text.rpartition(":")
    port = parse_port(digits)
    if not host or port is None:
        raise SettingsError(
            f"BONEFX_METRICS is {text!r}; use an address and a port, such as 127.0.0.1:9464"
        )
    if importlib.util.find_spec("prometheus_client") is None:
        raise SettingsError(
            'BONEFX_METRICS needs the package prometheus-client; run pip install "bonefx[metrics]"'
        )
    return host.strip("[]"), port


def _log_format(text: str | None) -> str:
    if text and text not in LOG_FORMATS:
        raise SettingsError(f"BONEFX_LOG_FORMAT is {text!r}; use {' or '.join(LOG_FORMATS)}")
    return text or "text"


def _tools(text: str | None) -> bool:
    wanted = _flag(MCP_TOOLS, text)
    if wanted and importlib.util.find_spec("mcp") is None:
        raise SettingsError(f'{MCP_TOOLS}=1 needs the package mcp; run pip install "mcp>=1.30,<2"')
    return wanted


def _flag(name: str, text: str | None) -> bool:
    if text not in {None, "", "0", "1"}:
        raise SettingsError(f"{name} is {text!r}; use 1, or unset it")
    return text == "1"


def _number(name: str, text: str | None, *, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SettingsError(f"{name} is {text!r}; use a number from {least} to {most}")
    return int(text)


def _root_path(text: str) -> str:
    if text and not text.startswith(("/", "http://", "https://")):
        raise SettingsError(f"BONEFX_ROOT_PATH is {text!r}; use a path such as /bonefx")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a host name
        return host == "localhost"
