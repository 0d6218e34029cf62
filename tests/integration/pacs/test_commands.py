"""The commands as they are run: dcmtk's storescu sends, SIGTERM ends, logs hold no patient."""

import os
import shutil
import subprocess

import pytest

from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom_of_study
from tests.fixtures.servers.app import find_free_port
from tests.fixtures.servers.fake_pacs import PACS_TITLE, dataset_of, send, wait_until
from tests.integration.pacs.commands import running

SECRETS = [
    STUDY_ELEMENTS[keyword]
    for keyword in ("PatientName", "PatientID", "AccessionNumber", "SOPInstanceUID", "StudyID")
]
with_dcmtk = pytest.mark.skipif(
    shutil.which("storescu") is None, reason="storescu of dcmtk is not on the PATH"
)


def storescu(port, *files, title="CR1"):
    command = ["storescu", "-v", "-aet", title, "-aec", "BONEFX", "127.0.0.1", str(port)]
    done = subprocess.run(
        [*command, *map(str, files)], capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "films" / "film.dcm"
    path.parent.mkdir()
    path.write_bytes(make_dicom_of_study())
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def options(weights):
    port = find_free_port()
    return port, ["--allow", "CR1,CR2", "--port", str(port), "--weights", str(weights)]


@with_dcmtk
def test_storescu_sends_a_film_and_the_pacs_gets_both_reports(options, folder, film, pacs):
    port, arguments = options
    peer = f"{PACS_TITLE}@127.0.0.1:{pacs.port}"
    with running(folder, "listen", *arguments, "--send-to", peer, until="listens") as bonefx:
        assert "Received Store Response (Success)" in storescu(port, film)
        assert "Calling AE Title Not Recognized" in storescu(port, film, title="STRANGER")
        film.write_bytes(make_dicom_of_study(Modality="CT"))
        assert "CannotUnderstand" in storescu(port, film)
        assert set(pacs.wait_for(2)) == {"OT", "SR"}
        assert bonefx.stop() == 0
        assert "films read: 1, refused: 1; reports delivered: 2, not delivered: 0" in bonefx.log
        assert [line["film"] for line in bonefx.lines] == [1, 2]
        everything = bonefx.log + str(bonefx.lines)
        assert not any(name in everything for name in (*SECRETS, "STRANGER"))
        assert not list((folder / "temporary").glob("bonefx-run-*"))


def test_reports_that_nobody_took_give_an_exit_code_of_their_own(options, folder, film):
    port, arguments = options
    away = f"PACS@127.0.0.1:{find_free_port()}"
    arguments += ["--send-to", away, "--stop", "0"]
    with running(folder, "listen", *arguments, until="listens") as bonefx:
        assert send(port, dataset_of(film.read_bytes())).Status == 0x0000
        assert bonefx.stop() == 6
        assert "2 reports of film 1 were not delivered" in bonefx.log


def test_listen_refuses_a_port_that_is_taken(options, folder, pacs):
    _, arguments = options
    arguments[arguments.index("--port") + 1] = str(pacs.port)
    with (
        pytest.raises(AssertionError, match="cannot listen at"),
        running(folder, "listen", *arguments, until="listens"),
    ):
        pass


def test_watch_reads_films_that_appear_and_leaves_them_as_they_are(weights, folder, film, tmp_path):
    out, state = tmp_path / "out", (film.read_bytes(), film.stat().st_mtime_ns)
    arguments = [str(film.parent), "--out", str(out), "--forms", "json", "sr"]
    arguments += ["--weights", str(weights)]
    with running(folder, "watch", *arguments, until="watching") as bonefx:
        wait_until(lambda: len(bonefx.lines) == 1)
        second = film.with_name("second.dcm")
        second.write_bytes(make_dicom_of_study(SOPInstanceUID="1.2.9"))
        os.utime(second, ns=(1, 1))
        wait_until(lambda: len(bonefx.lines) == 2)
        assert bonefx.stop() == 0
        assert [line["path"] for line in bonefx.lines] == [str(film), str(second)]
        assert len(list(out.iterdir())) == 4
    assert (film.read_bytes(), film.stat().st_mtime_ns) == state
    assert sorted(film.parent.iterdir()) == [film, second]


def test_watch_sends_reports_to_a_pacs(weights, folder, film, pacs):
    peer = f"{PACS_TITLE}@127.0.0.1:{pacs.port}"
    arguments = [str(film.parent), "--send-to", peer, "--weights", str(weights)]
    with running(folder, "watch", *arguments, until="watching") as bonefx:
        assert set(pacs.wait_for(2)) == {"OT", "SR"}
        assert bonefx.stop() == 0
        assert "reports delivered: 2, not delivered: 0" in bonefx.log
