"""Settings of the server: address, access and tools."""

import pytest

from bonefx.cli import parser
from bonefx.errors import SettingsError
from bonefx.web.auth.passwords import hash_password, read_credentials
from bonefx.web.server_settings import server_settings

ANYWHERE = {"BONEFX_HOST": "0.0.0.0"}


def test_without_settings_only_this_machine_is_served():
    settings = server_settings({})
    assert (settings.host, settings.port, settings.root_path) == ("127.0.0.1", 7860, "")
    assert settings.login is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "films.example.org"])
def test_a_public_address_is_refused_without_a_login(host):
    with pytest.raises(SettingsError, match="set BONEFX_AUTH, or BONEFX_ALLOW_PUBLIC=1"):
        server_settings({"BONEFX_HOST": host})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_this_machine_needs_no_login(host):
    assert server_settings({"BONEFX_HOST": host}).host == host


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"BONEFX_AUTH": "anna:geheim"}, id="with a login"),
        pytest.param({"BONEFX_ALLOW_PUBLIC": "1"}, id="when explicitly allowed"),
        pytest.param({"SPACE_ID": "somebody/bonefx"}, id="in a Space"),
    ],
)
def test_a_public_address_is_served(more):
    assert server_settings(ANYWHERE | more).host == "0.0.0.0"


def test_a_flag_that_is_not_1_allows_nothing():
    with pytest.raises(SettingsError, match="BONEFX_ALLOW_PUBLIC=1"):
        server_settings(ANYWHERE | {"BONEFX_ALLOW_PUBLIC": "0"})


@pytest.mark.parametrize("port", ["", "0", "65536", "eighty", "-1"])
def test_an_invalid_port_is_refused(port):
    with pytest.raises(SettingsError, match="from 1 to 65535"):
        server_settings({"BONEFX_PORT": port})


def test_the_path_of_a_proxy_must_begin_with_a_slash():
    assert server_settings({"BONEFX_ROOT_PATH": "/bonefx/"}).root_path == "/bonefx"
    with pytest.raises(SettingsError, match="such as /bonefx"):
        server_settings({"BONEFX_ROOT_PATH": "bonefx"})


def test_pairs_accept_only_the_right_password():
    login = read_credentials("anna:geheim, ben:a:b")
    assert login.verify("anna", "geheim")
    assert login.verify("ben", "a:b")
    assert not login.verify("anna", "a:b")
    assert not login.verify("anna", "")
    assert not login.verify("nobody", "geheim")


def test_a_file_of_hashes_accepts_the_password_but_does_not_contain_it(tmp_path):
    file = tmp_path / "users"
    file.write_text(f"# readers\n\nanna:{hash_password('geheim')}\n")
    assert "geheim" not in file.read_text()
    login = read_credentials(str(file))
    assert login.verify("anna", "geheim")
    assert not login.verify("anna", "Geheim")


def test_a_password_is_hashed_with_a_new_salt_each_time():
    assert hash_password("geheim") != hash_password("geheim")


@pytest.mark.parametrize("text", ["anna", "anna:", ":geheim", "anna:geheim,", "/no/such/file"])
def test_an_invalid_login_is_refused_without_quoting_it(text):
    with pytest.raises(SettingsError) as error:
        read_credentials(text)
    assert "BONEFX_AUTH" in str(error.value)
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize("line", ["anna:geheim", "anna:scrypt$00$11", "anna:scrypt$xy$zz", ""])
def test_a_file_with_plain_passwords_or_damaged_hashes_is_refused(tmp_path, line):
    file = tmp_path / "users"
    file.write_text(line)
    with pytest.raises(SettingsError, match="python -m bonefx login"):
        read_credentials(str(file))


def test_credentials_do_not_print_their_hashes():
    assert "scrypt" not in repr(read_credentials("anna:geheim"))


def test_the_login_command_prints_a_line_that_is_accepted(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("getpass.getpass", lambda _: "geheim")
    assert parser.main(["login", "anna"]) == 0
    file = tmp_path / "users"
    file.write_text(capsys.readouterr().out)
    assert read_credentials(str(file)).verify("anna", "geheim")


def test_passwords_that_differ_print_nothing(monkeypatch, capsys):
    typed = iter(["geheim", "geheim "])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    assert parser.main(["login", "anna"]) == SettingsError.exit_code
    assert capsys.readouterr().out == ""


def test_tools_are_off_by_default(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert not server_settings({}).tools
    assert not server_settings({"BONEFX_MCP": "0"}).tools
    assert server_settings({"BONEFX_MCP": "1"}).tools


def test_tools_without_their_package_are_refused_with_the_command_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r'pip install "mcp>='):
        server_settings({"BONEFX_MCP": "1"})


def test_tools_can_be_combined_with_a_login(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    settings = server_settings({"BONEFX_MCP": "1", "BONEFX_AUTH": "anna:geheim"})
    assert settings.tools
    assert settings.login
