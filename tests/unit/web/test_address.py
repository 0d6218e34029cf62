"""The address that the app listens at is checked before anything is loaded or announced."""

import socket

import pytest

from bonefx.cli.parser import main
from bonefx.errors import SettingsError
from bonefx.web.server_settings import server_settings
from bonefx.web.service.address import check_address


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def test_a_port_that_another_program_uses_is_refused_before_its_address_is_printed(taken, capsys):
    assert main(["serve", "--host", "127.0.0.1", "--port", taken]) == SettingsError.exit_code
    told = capsys.readouterr().err
    assert f"cannot listen at 127.0.0.1:{taken}; stop the program that does" in told
    assert "open http" not in told


def test_a_free_port_is_accepted_and_left_free(taken):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = str(other.getsockname()[1])
    settings = server_settings({"BONEFX_HOST": "127.0.0.1", "BONEFX_PORT": free})
    check_address(settings)
    check_address(settings)
