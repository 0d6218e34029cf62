"""The films of a watched folder: a line each, reports beside, the files themselves untouched."""

import errno
from pathlib import Path
from typing import Any

import pytest

from bonefx.errors import SettingsError, UnreadableRadiographError
from bonefx.films.sources import FilmSource
from bonefx.pacs import folder_reader
from bonefx.pacs.film_reports import ReportRequest
from bonefx.pacs.folder_reader import FolderReader
from bonefx.pacs.folder_watch import FolderWatch
from bonefx.pacs.outbox import Outbox
from bonefx.pacs.sender import Sent
from bonefx.process.signals import SignalCount
from bonefx.report import files
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


class Pacs:
    """Gives the same answer for each object, and counts them."""

    def __init__(self, answer):
        self.answer, self.objects = answer, 0

    def send(self, objects):
        self.objects += len(objects)
        return [self.answer(number) for number in range(len(objects))]


@pytest.fixture
def watched(make, film):
    """Read the film with a PACS, as in one run of the command; return its lines."""

    def run(pacs, forms=("json", "sc", "sr")):
        outbox = Outbox(pacs.send, patience_s=0)
        films, lines = make(forms=forms, outbox=outbox)
        outbox.start()
        films.read(film)
        outbox.finish(60)
        return lines

    return run


def test_reports_that_were_not_delivered_are_sent_by_the_next_start(watched, tmp_path):
    watched(Pacs(lambda _: Sent.LATER))
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".json"]
    (line,) = watched(pacs := Pacs(lambda _: Sent.STORED))
    assert "verdict" in line
    assert pacs.objects == 2
    assert len(list((tmp_path / "out").iterdir())) == 3
    (line,) = watched(pacs)
    assert len(line["made_before"]) == 3
    assert pacs.objects == 2


def test_a_report_that_was_delivered_is_not_sent_again_with_the_one_that_was_not(watched):
    watched(Pacs(lambda number: Sent.REFUSED if number else Sent.STORED))
    watched(pacs := Pacs(lambda _: Sent.STORED))
    assert pacs.objects == 1


def test_a_film_without_a_map_is_neither_read_nor_sent_again(watched, monkeypatch):
    def no_map(_):
        raise SettingsError("there is no map to write")

    monkeypatch.setitem(files.WRITERS, "map", no_map)
    (line,) = watched(pacs := Pacs(lambda _: Sent.STORED), forms=("map", "sr"))
    assert "map" in line["not_made"]
    (line,) = watched(pacs, forms=("map", "sr"))
    assert len(line["made_before"]) == 1
    assert pacs.objects == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EHOSTDOWN, errno.EACCES])
def test_a_share_that_goes_away_costs_no_film_of_a_batch(
    make, film, tmp_path, monkeypatch, caplog, number
):
    second = film.path.with_name("second.dcm")
    second.write_bytes(make_dicom_of_study(SOPInstanceUID="1.2.9"))
    films, lines = make(out=None, forms=())
    stop, opened, is_dir = SignalCount(), Path.open, Path.is_dir
    lost = [second] * 3  # polls until the share is back

    def fail_if_lost(path):
        if lost and path == second:
            lost.pop()
            raise OSError(number, "lost")

    def open_path(path, *arguments):
        fail_if_lost(path)
        return opened(path, *arguments)

    def is_folder(path):
        fail_if_lost(path)
        return is_dir(path)

    def on_line(line):
        lines.append(line)
        if len(lines) == 2:
            stop.add()

    monkeypatch.setattr(Path, "open", open_path)
    monkeypatch.setattr(Path, "is_dir", is_folder)
    films.on_line = on_line
    films.watch(FolderWatch(tmp_path, settled_s=0), poll_s=0, stop=stop)
    assert [line["path"] for line in lines] == [str(film.path), str(second)]
    assert [line["film"] for line in lines] == [1, 2]
    assert all("verdict" in line for line in lines)
    assert caplog.text.count("1 files in it cannot be opened at the moment") == 1


def test_a_film_that_gets_lost_while_it_is_read_is_left_to_the_next_poll(make, film, monkeypatch):
    def lost(*_):
        film.path.unlink()
        raise UnreadableRadiographError("the file is damaged")

    monkeypatch.setattr(folder_reader, "open_film", lost)
    films, lines = make()
    assert not films.read(film)
    assert (films.films, lines) == (0, [])


def test_a_film_whose_line_cannot_be_printed_leaves_nothing_to_send(make, film):
    def closed(_):
        raise SettingsError("stdout is closed")

    outbox = Outbox(lambda _: [])
    films, _ = make(outbox=outbox)
    films.on_line = closed
    with pytest.raises(SettingsError, match="stdout"):
        films.read(film)
    outbox.finish(0)
    assert outbox.undelivered == 0
