"""Options of `bonefx listen` and `bonefx watch`, and both without pynetdicom."""

import pytest

from bonefx.cli import listen, sending
from bonefx.cli.parser import build_parser, main
from bonefx.errors import SettingsError
from bonefx.films.discs.archives import MAX_FILM_BYTES
from bonefx.pacs import library
from bonefx.process.logs import LOG_FORMATS
from bonefx.report.files import DICOM_FORMS


def test_without_pynetdicom_both_say_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(library, "_is_installed", lambda: False)
    for command in (["listen", "--allow", "CR1"], ["watch", str(tmp_path), "--send-to", "P@h:104"]):
        assert main(command) == 2
        assert (
            "needs pynetdicom; install with: pip install 'bonefx[pacs]'" in capsys.readouterr().err
        )


@pytest.mark.parametrize(
    "options",
    [
        [], ["--allow", "A", "--port", "0"], ["--allow", "A", "--max-film", "151"],
        ["--allow", "A", "--retry", "-1"], ["--allow", "A", "--forms", "pdf"],
    ],
)  # fmt: skip
def test_listen_needs_allowed_titles_and_numbers_that_make_sense(capsys, options):
    with pytest.raises(SystemExit) as stop:
        main(["listen", *options])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--allow", ""], "AE title"),
        (["--allow", "A", "--ae-title", "far too long a title"], "AE title"),
        (["--allow", "A", "--send-to", "PACS"], "AE@HOST:PORT"),
        (["--allow", "A", "--send-tls"], "--tls-cert"),
        (["--allow", "A", "--tls-cert", "c.pem"], "--tls-key"),
        (["--allow", "A", "--tls-cert", "no.pem", "--tls-key", "no.pem"], "check --tls-cert"),
    ],
)
def test_options_of_listen_are_refused_before_a_model_is_loaded(capsys, options, told):
    pytest.importorskip("pynetdicom", reason="bonefx[pacs] is not installed")
    assert main(["listen", *options]) == 2
    assert told in capsys.readouterr().err


def test_watch_refuses_reports_inside_of_the_folder(capsys, tmp_path):
    for out in (tmp_path, tmp_path / "reports"):
        assert main(["watch", str(tmp_path), "--out", str(out)]) == 2
        assert "outside of it" in capsys.readouterr().err


def test_watch_refuses_a_folder_that_is_not_there(capsys, tmp_path):
    assert main(["watch", str(tmp_path / "none")]) == 2
    assert "check its path" in capsys.readouterr().err


def test_the_options_offer_what_there_is():
    assert sending.DICOM_FORM_NAMES == DICOM_FORMS
    assert sending.LOG_FORMAT_NAMES == LOG_FORMATS
    assert listen.MAX_FILM_MB * 1_000_000 == MAX_FILM_BYTES


def test_a_closed_stdout_ends_a_command_with_a_sentence_and_no_further_line(monkeypatch):
    class Closed:
        def write(self, _):
            raise BrokenPipeError(32, "Broken pipe")

        def fileno(self):
            raise ValueError

    failures: list[int] = []
    lines = sending.ResultLines(on_failure=lambda: failures.append(1))
    lines.check()
    monkeypatch.setattr("sys.stdout", Closed())
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"stdout \(Broken pipe\)"):
            lines.print({"film": 1})
    assert failures == [1]
    with pytest.raises(SettingsError):
        lines.check()


def test_watch_refuses_files_of_tls_that_would_not_be_used(capsys, tmp_path):
    for options in (["--tls-cert", "c.pem", "--tls-key", "k.pem"], ["--tls-ca", "ca.pem"]):
        assert main(["watch", str(tmp_path), "--send-to", "P@h:104", *options]) == 2
        assert "need --send-tls" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "reports are not sent"),
        (["--send-to", "P@h:104"], "reports are sent to P@h:104 in clear text"),
        (["--send-to", "P@h:104", "--send-tls"], "reports are sent to P@h:104 with TLS"),
    ],
)
def test_the_start_tells_how_reports_travel_whatever_films_do(options, words):
    given = ["listen", "--allow", "A", "--tls-cert", "c.pem", "--tls-key", "k.pem", *options]
    assert sending.sending_words(build_parser().parse_args(given)) == words
