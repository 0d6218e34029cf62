"""Settings of the server from environment variables: address, login, tools. Imports no gradio."""

from __future__ import annotations

import importlib.util
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from bonefx.errors import SettingsError
from bonefx.web.auth.passwords import Credentials, read_credentials

ALLOW_PUBLIC = "BONEFX_ALLOW_PUBLIC"
MCP_TOOLS = "BONEFX_MCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the page is served, and who may use it.

    Attributes:
        host: Address to listen at.
        port: Port to listen at; no other port is tried.
        root_path: Path under which a reverse proxy serves the page; empty without a proxy.
        login: Users and passwords; None if everybody who reaches the address may use the page.
        tools: Whether assistants may read films over MCP.
    """

    host: str
    port: int
    root_path: str = ""
    login: Credentials | None = None
    tools: bool = False

    @property
    def local_only(self) -> bool:
        """Whether only this machine is served: a loopback address without a proxy."""
        return _is_loopback(self.host) and not self.root_path


def server_settings(environment: Mapping[str, str]) -> ServerSettings:
    """Read BONEFX_HOST, _PORT, _ROOT_PATH, _AUTH, _ALLOW_PUBLIC and _MCP.

    A Hugging Face Space listens at all addresses, because the Space controls access itself.

    Args:
        environment: Environment variables.

    Raises:
        SettingsError: A value is invalid; or the address can be reached from other machines without
            a login, and BONEFX_ALLOW_PUBLIC does not allow it.
    """
    in_space = "SPACE_ID" in environment
    host = environment.get("BONEFX_HOST", "0.0.0.0" if in_space else "127.0.0.1")  # noqa: S104
    auth = environment.get("BONEFX_AUTH")
    settings = ServerSettings(
        host=host,
        port=_port(environment.get("BONEFX_PORT", "7860")),
        root_path=_root_path(environment.get("BONEFX_ROOT_PATH", "")),
        login=read_credentials(auth) if auth else None,
        tools=_tools(environment.get(MCP_TOOLS, "")),
    )
    _check_access(settings, allowed=in_space or environment.get(ALLOW_PUBLIC, "") == "1")
    return settings


def _check_access(settings: ServerSettings, *, allowed: bool) -> None:
    """Refuse an address that other machines can reach without a login."""
    if settings.login is None and not allowed and not _is_loopback(settings.host):
        raise SettingsError(
            f"BONEFX_HOST {settings.host} can be reached from other machines without a login; set "
            f"BONEFX_AUTH, or {ALLOW_PUBLIC}=1 if a reverse proxy or a firewall controls access"
        )


def _tools(text: str) -> bool:
    if text == "1" and importlib.util.find_spec("mcp") is None:
        raise SettingsError(f'{MCP_TOOLS}=1 needs the package mcp; run pip install "mcp>=1.30,<2"')
    return text == "1"


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise SettingsError(f"BONEFX_PORT is {text!r}; use a number from 1 to 65535")
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
