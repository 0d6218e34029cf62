"""A session's list: complete, private, and deleted however it ends."""

import gc
import stat
import zipfile
from pathlib import Path

import pytest

from bonefx.errors import SettingsError
from bonefx.reading.worklist_row import WorklistRow
from bonefx.web.worklist import session_list as module
from bonefx.web.worklist.session_list import SessionList, SessionLists, close_list
from bonefx.web.worklist.table import message_value, row_html, table_value
from tests.fixtures.image_files import make_png
from tests.fixtures.records import make_reading


@pytest.fixture(autouse=True)
def lists(tmp_path, monkeypatch):
    """Return the folder of all lists."""
    folder = tmp_path / "lists"
    folder.mkdir()
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(folder))
    monkeypatch.setattr(module.tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def uploads(tmp_path):
    """Return paths of three files as gradio stores uploads: a folder by content, then the name."""
    paths = []
    for index, name in enumerate(("Miller.png", "notes.txt", "Jones.png")):
        (tmp_path / f"sha{index}").mkdir()
        paths.append(tmp_path / f"sha{index}" / name)
        content = make_png(seed=index) if name.endswith(".png") else b"Dear colleague"
        paths[-1].write_bytes(content)
    return [str(path) for path in paths]


def make_list(uploads, *, from_folder=False):
    session_list = SessionList()
    session_list.add_uploads(uploads, from_folder=from_folder)
    return session_list


def test_films_move_into_a_private_folder_under_random_names(uploads, lists):
    session_list = make_list(uploads)
    assert [film.name for film in session_list.films] == ["Miller.png", "notes.txt", "Jones.png"]
    assert not any(Path(upload).exists() for upload in uploads)
    folder = session_list.films[0].path.parent
    assert folder.parent == lists
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not any("Miller" in path.name for path in lists.rglob("*"))
    assert session_list.films[0].read().pixels.shape == (120, 96)


def test_documents_of_a_folder_are_left_out_and_deleted(uploads):
    session_list = make_list(uploads, from_folder=True)
    assert [film.name for film in session_list.films] == ["Miller.png", "Jones.png"]
    assert session_list.left_out == 1
    assert not any(Path(upload).exists() for upload in uploads)


def test_one_path_twice_is_two_films(uploads):
    session_list = make_list([uploads[0], uploads[0]])
    assert [film.read().bits for film in session_list.films] == [8, 8]


def test_a_missing_upload_is_a_film_with_an_error(uploads):
    Path(uploads[0]).unlink()
    session_list = make_list(uploads)
    assert session_list.films[0].fault == "the film did not arrive; choose it again"
    assert session_list.films[2].read()


def test_a_list_of_too_many_megabytes_is_refused_and_deleted(uploads, monkeypatch, lists):
    monkeypatch.setattr(module, "MAX_LIST_MB", 0.001)
    session_list = SessionList()
    with pytest.raises(SettingsError, match=r"more than 0.001 MB in one list; choose fewer"):
        session_list.add_uploads(uploads, from_folder=False)
    assert not any(Path(upload).exists() for upload in uploads)
    assert [path for path in lists.rglob("*") if path.is_file()] == []


def test_a_list_of_too_many_films_is_refused_counting_those_of_archives(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILMS", 3)
    path = tmp_path / "list.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(4):
            archive.writestr(f"{index}.png", make_png())
    session_list = SessionList()
    with pytest.raises(SettingsError, match="found 4 films, more than 3"):
        session_list.add_uploads([str(path)], from_folder=False)
    assert session_list.closed


@pytest.mark.parametrize("ending", ["closed", "forgotten", "expired", "replaced", "ended"])
def test_the_folder_of_a_list_is_deleted_however_the_list_ends(uploads, lists, ending):
    session_lists = SessionLists()
    session_list = session_lists.open("session")
    session_list.add_uploads(uploads, from_folder=False)
    assert len(list(lists.iterdir())) == 1
    if ending == "closed":
        session_list.close()
    elif ending == "forgotten":
        del session_list
        gc.collect()
    elif ending == "expired":
        close_list(session_list)
    elif ending == "replaced":
        session_list = session_lists.open("session")
        assert len(list(lists.iterdir())) == 1
        session_list.close()
    else:
        session_lists.close("session")
    assert list(lists.iterdir()) == []


def test_closing_a_session_leaves_other_sessions_lists_open(lists):
    session_lists = SessionLists()
    first, other = session_lists.open("first"), session_lists.open("other")
    session_lists.close("first")
    session_lists.close("first")
    session_lists.close("never seen")
    close_list(None)
    assert (first.closed, other.closed) == (True, False)


def test_a_queued_list_is_claimed_once_and_can_be_stopped_before():
    session_list = SessionList()
    assert not session_list.claim()
    session_list.queue()
    assert (session_list.claim(), session_list.claim()) == (True, False)
    session_list.queue()
    session_list.stop()
    assert not session_list.claim()
    assert (session_list.running, session_list.may_continue) == (False, False)
    session_list.queue()
    assert session_list.may_continue
    session_list.close()
    assert not session_list.may_continue


def test_every_state_of_a_table_has_a_larger_sequence_number():
    first, session_list = message_value()["number"], SessionList()
    numbers = [first, session_list.sequence_number]
    session_list.queue()
    numbers.append(session_list.sequence_number)
    session_list.replace_rows([])
    numbers += [session_list.sequence_number, message_value()["number"]]
    assert numbers == sorted(set(numbers))


def test_a_film_name_is_escaped(uploads):
    film = make_list(uploads).films[0]
    source = module.FilmSource(name='<img src=x onerror="alert(1)">', path=film.path)
    html = row_html(WorklistRow(place=1, source=source, reading=make_reading()))
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in html
    assert str(film.path) not in html


def test_the_summary_counts_verdicts_and_films_that_were_not_looked_at(uploads):
    session_list = make_list(uploads, from_folder=True)
    source = session_list.films[0]
    session_list.replace_rows([WorklistRow(place=1, source=source, error="the file is empty")])
    summary = table_value(session_list, [""])["message_html"]
    assert "<b>1</b> film<" in summary
    assert "<b>1</b> not read" in summary
    assert "stopped, <b>1</b> not read" in summary
    assert "1 other file left out" in summary
