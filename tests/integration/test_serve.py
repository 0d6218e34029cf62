"""`bonefx serve`: its options stand for the variables of the environment, with the same checks."""

import pytest

from bonefx.cli.parser import main
from bonefx.web.launch import Service
from tests.fixtures.model_folders import make_model_folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--port", "99999"], "BONEFX_PORT is '99999'", id="port"),
        pytest.param(["--host", "0.0.0.0"], "set BONEFX_AUTH", id="open to other machines"),
        pytest.param(["--log-format", "xml"], "use text or json", id="format of the log"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_before_models_load(
    capsys, monkeypatch, arguments, message
):
    for name in ("BONEFX_AUTH", "BONEFX_ALLOW_PUBLIC", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    assert main(["serve", "--weights", "missing", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_serve_starts_the_page_at_the_given_address(capsys, monkeypatch, tmp_path):
    make_model_folder(tmp_path)
    settings_used = []
    monkeypatch.setattr(Service, "serve", lambda self: not settings_used.append(self.settings))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "runs"))
    options = ["--host", "127.0.0.2", "--port", "7999", "--device", "cpu"]
    assert main(["serve", "--weights", str(tmp_path), *options]) == 0
    assert "tiny on cpu; open http://127.0.0.2:7999" in capsys.readouterr().err
    assert (settings_used[0].host, settings_used[0].port) == ("127.0.0.2", 7999)
    assert list((tmp_path / "runs").iterdir()) == []
