"""The films of a watched folder: a line each, reports beside, the files themselves untouched."""

from typing import Any

import pytest

from bonefx.films.sources import FilmSource
from bonefx.pacs.film_reports import ReportRequest
from bonefx.pacs.folder_reader import FolderReader
from bonefx.pacs.folder_watch import FolderWatch
from bonefx.pacs.outbox import Outbox
from bonefx.process.signals import SignalCount
from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.image_files import make_png


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(make_dicom_of_study())
    return FilmSource(name="film.dcm", path=path)


@pytest.fixture
def make(reader, tmp_path):
    def make(forms=("json", "sr"), outbox=None, out="out"):
        lines: list[dict[str, Any]] = []
        made = FolderReader(
            reader=reader, request=ReportRequest(forms=forms),
            out=tmp_path / out if out else None, outbox=outbox, on_line=lines.append,
        )  # fmt: skip
        return made, lines

    return make


def test_a_film_gets_a_line_with_its_reading_and_its_reports(make, film, tmp_path):
    before = film.path.read_bytes(), film.path.stat().st_mtime_ns
    films, lines = make()
    films.read(film)
    (line,) = lines
    assert (line["film"], line["path"], line["model"]) == (1, str(film.path), "tiny")
    assert sorted(line["written"].values()) == sorted(map(str, (tmp_path / "out").iterdir()))
    assert sorted(line["written"]) == ["json", "sr"]
    assert (film.path.read_bytes(), film.path.stat().st_mtime_ns) == before


def test_a_film_whose_reports_are_there_is_not_read_again(make, film):
    first, lines = make()
    first.read(film)
    written = lines[0]["written"]
    second, lines = make()
    second.read(film)
    (line,) = lines
    assert sorted(line["made_before"]) == sorted(written.values())
    assert "verdict" not in line


def test_a_film_one_of_whose_reports_is_missing_is_read_again(make, film, tmp_path):
    films, lines = make()
    films.read(film)
    next((tmp_path / "out").glob("*.json")).unlink()
    films.read(film)
    assert "written" in lines[1]


def test_a_picture_gets_the_forms_that_fit_it_and_says_which_do_not(make, tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(make_png())
    films, lines = make()
    for _ in range(2):
        films.read(FilmSource(name="film.png", path=path))
    assert list(lines[0]["written"]) == ["json"]
    assert "DICOM" in lines[0]["not_made"]["sr"]
    assert lines[1]["made_before"] == [lines[0]["written"]["json"]]


def test_a_film_that_cannot_be_read_gets_a_line_with_the_reason(make, tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(make_dicom_of_study(Modality="CT"))
    films, lines = make()
    films.read(FilmSource(name="film.dcm", path=path))
    assert "modality CT" in lines[0]["error"]
    assert not (tmp_path / "out").exists()


def test_dicom_forms_go_to_the_outbox(make, film):
    outbox = Outbox(lambda _: [])
    films, _ = make(forms=("json", "sc", "sr"), outbox=outbox, out=None)
    films.read(film)
    outbox.finish(0)
    assert outbox.undelivered == 2


def test_watching_reads_films_alone_and_ends_with_a_signal(make, film, tmp_path):
    (tmp_path / "notes.txt").write_text("no film")
    films, lines = make()
    stop = SignalCount()
    films.on_line = lambda line: (lines.append(line), stop.add())
    films.watch(FolderWatch(tmp_path, settled_s=0), poll_s=0, stop=stop)
    assert [line["path"] for line in lines] == [str(film.path)]


def test_a_folder_that_is_away_is_looked_at_again(make, film, tmp_path, caplog):
    films, lines = make()
    stop = SignalCount()
    films.on_line = lambda line: (lines.append(line), stop.add())

    class Away(FolderWatch):
        polls = 0

        def poll(self, now_s):
            self.polls += 1
            if self.polls == 1:
                raise OSError(112, "Host is down")
            return super().poll(now_s)

    films.watch(Away(tmp_path, settled_s=0), poll_s=0, stop=stop)
    assert "cannot be listed at the moment: Host is down" in caplog.text
    assert len(lines) == 1
