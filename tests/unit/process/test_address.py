"""The address that the app listens at is checked before anything is loaded or announced."""

import socket

import pytest

from bonefx.cli.parser import main
from bonefx.errors import SettingsError
from bonefx.process.address import check_address


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def test_a_port_that_another_program_uses_is_refused_before_its_address_is_printed(taken, capsys):
    assert main(["serve", "--host", "127.0.0.1", "--port", taken]) == SettingsError.exit_code
    told = capsys.readouterr().err
    assert f"cannot listen at 127.0.0.1:{taken} (Address already in use); stop the" in told
    assert "open http" not in told


def test_a_free_port_is_accepted_and_left_free(taken):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = str(other.getsockname()[1])
    check_address("127.0.0.1", int(free))
    check_address("127.0.0.1", int(free))


def test_an_address_of_ipv6_may_stand_in_brackets(taken):
    check_address("[::1]", int(taken))  # of another address, so that it is free


def test_a_name_that_is_no_address_is_refused_with_the_reason():
    with pytest.raises(SettingsError, match=r"nowhere\.invalid:7860 \(.*[Nn]ame.*port or address"):
        check_address("nowhere.invalid", 7860)
