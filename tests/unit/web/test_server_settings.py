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


def test_zerogpu_is_refused_with_the_hardware_to_choose():
    space = {"SPACE_ID": "somebody/bonefx"}
    with pytest.raises(SettingsError, match=r"ZeroGPU, which bonefx does not use; choose CPU"):
        server_settings(space | {"SPACES_ZERO_GPU": "true"})
    assert server_settings(space | {"SPACES_ZERO_GPU": "false"}).host == "0.0.0.0"


def test_a_flag_that_is_not_1_allows_nothing():
    with pytest.raises(SettingsError, match="BONEFX_ALLOW_PUBLIC=1"):
        server_settings(ANYWHERE | {"BONEFX_ALLOW_PUBLIC": "0"})


def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant():
    with pytest.raises(SettingsError, match=r"BONEFX_ALOWED_HOSTS is set.*BONEFX_ALLOWED_HOSTS\?"):
        server_settings({"BONEFX_ALOWED_HOSTS": "films.example.org"})
    with pytest.raises(SettingsError, match=r"BONEFX_XYZ is set.*bonefx serve -h"):
        server_settings({"BONEFX_XYZ": "1"})


def test_variables_of_other_programs_are_left_alone():
    assert server_settings({"BONE_HOST": "x", "PATH": "/bin"}).host == "127.0.0.1"


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_login_is_refused_and_does_not_let_everybody_in(text):
    with pytest.raises(SettingsError, match=r"BONEFX_AUTH is empty.*unset it"):
        server_settings({"BONEFX_AUTH": text})


def test_a_doubled_user_is_refused_by_name_without_a_password(tmp_path):
    with pytest.raises(SettingsError, match="'anna' twice") as error:
        read_credentials("anna:geheim, ben:b, anna:other")
    assert "geheim" not in str(error.value)
    users = tmp_path / "users"
    users.write_text(f"anna:{hash_password('a')}\nanna:{hash_password('b')}\n")
    with pytest.raises(SettingsError, match="the file of BONEFX_AUTH has the user 'anna' twice"):
        read_credentials(str(users))


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("BONEFX_STOP_S", "soon", "from 0 to 3600"), ("BONEFX_QUEUE", "0", "from 1 to 1000"),
        ("BONEFX_LOG_FORMAT", "xml", "text or json"), ("BONEFX_ALLOW_PUBLIC", "yes", "use 1"),
        ("BONEFX_ALLOWED_HOSTS", "https://films.example.org", "without https://"),
        ("BONEFX_ALLOWED_HOSTS", "films.example.org,,", "separated by commas"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused_with_what_to_use(name, value, remedy):
    with pytest.raises(SettingsError, match=f"{name}.*{remedy}"):
        server_settings({name: value})


def served(environment, hosts):
    rules = server_settings(environment).hosts
    return [host for host in hosts if rules.serves(host)]


def test_a_local_app_answers_to_local_and_to_allowed_names_alone():
    hosts = ["127.0.0.1:7860", "localhost", "films.example.org", "a.films.example.org", "evil.org"]
    assert served({}, hosts) == hosts[:2]
    assert served({"BONEFX_ALLOWED_HOSTS": "Films.example.org"}, hosts) == hosts[:3]
    assert served({"BONEFX_ALLOWED_HOSTS": "*.example.org"}, hosts) == hosts[:4]


def test_an_app_answers_to_the_address_at_which_it_listens():
    environment = {
        "BONEFX_HOST": "192.0.2.7",
        "BONEFX_PORT": "8000",
        "BONEFX_ALLOW_PUBLIC": "1",
        "BONEFX_ALLOWED_HOSTS": "films.example.org",
    }
    hosts = ["192.0.2.7:8000", "films.example.org", "192.0.2.8:8000"]
    assert served(environment, hosts) == hosts[:2]
    assert served(environment | {"BONEFX_PORT": "80"}, ["192.0.2.7", "192.0.2.8"]) == ["192.0.2.7"]


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"BONEFX_ROOT_PATH": "/bonefx"}, id="under a path of a proxy"),
        pytest.param(ANYWHERE | {"BONEFX_AUTH": "anna:geheim"}, id="at a public address"),
        pytest.param({"SPACE_ID": "somebody/bonefx"}, id="in a Space"),
    ],
)
def test_an_app_that_cannot_know_its_names_answers_to_all_until_they_are_named(environment):
    hosts = ["localhost:7860", "films.example.org", "other.org"]
    assert served(environment, hosts) == hosts
    named = environment | {"BONEFX_ALLOWED_HOSTS": "films.example.org"}
    assert served(named, hosts) == hosts[:2]


def test_only_in_a_space_may_the_space_s_site_show_the_app_in_a_frame():
    assert server_settings({}).headers.frame_ancestors == "'none'"
    space = server_settings({"SPACE_ID": "somebody/bonefx"}).headers
    assert (space.frame_ancestors, space.same_site) == ("https://huggingface.co", "None")


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
