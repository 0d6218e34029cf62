"""Files, folders and archives given by anybody -> films, without harm."""

import io
import struct
import zipfile

import pytest

from bonefx.errors import UnreadableRadiographError
from bonefx.films import sources
from bonefx.films.discs import archives
from bonefx.films.sources import FilmSource, find_films, printable_name
from tests.fixtures.archive_files import make_zip
from tests.fixtures.image_files import make_png


def found_in(path):
    return find_films([(path.name, path)])


def error_of(film):
    with pytest.raises(UnreadableRadiographError) as error:
        film.read()
    return str(error.value)


def test_an_archive_gives_its_films_in_order_with_folders_in_their_names(tmp_path):
    path = make_zip(
        tmp_path / "list.zip",
        [("b.png", make_png(seed=1)), ("in/", ""), ("in/a.png", make_png(seed=2))],
    )
    found = found_in(path)
    assert [film.name for film in found.films] == ["list.zip/b.png", "list.zip/in/a.png"]
    shapes = {film.read().pixels.shape for film in found.films}
    assert shapes == {(120, 96)}


def test_a_folder_may_hold_archives_and_folders(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "1.png").write_bytes(make_png())
    make_zip(tmp_path / "deep" / "more.zip", [("2.png", make_png(seed=1))])
    found = found_in(tmp_path)
    top = tmp_path.name
    assert [film.name for film in found.films] == [
        f"{top}/deep/1.png", f"{top}/deep/more.zip/2.png",
    ]  # fmt: skip
    assert all(film.read() for film in found.films)


def test_an_archive_is_known_by_its_content(tmp_path):
    path = make_zip(tmp_path / "films.dat", [("a.png", make_png())])
    assert [film.member for film in found_in(path).films] == [0]


HIDDEN = ("notes.txt", ".hidden.png", "__MACOSX/._a.png", ".git/x.png", "DICOMDIR", "report.PDF")


def test_hidden_files_and_documents_of_an_archive_are_counted_not_read(tmp_path):
    members = [("a.png", make_png()), *((name, b"x") for name in HIDDEN)]
    found = found_in(make_zip(tmp_path / "list.zip", members))
    assert [film.name for film in found.films] == ["list.zip/a.png"]
    assert found.left_out == len(HIDDEN)


def test_the_same_files_of_a_folder_are_counted_not_read(tmp_path):
    for name in ("a.png", *HIDDEN):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = found_in(tmp_path)
    assert [film.path.name for film in found.films] == ["a.png"]
    assert found.left_out == len(HIDDEN)


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "..\\evil.png", "C:/evil.png"])
def test_a_name_that_climbs_is_only_a_name(tmp_path, name):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = found_in(make_zip(inner / "list.zip", [(name, make_png())]))
    assert found.films[0].read().pixels.shape == (120, 96)
    assert "evil.png" in found.films[0].name
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["list.zip"]


def test_an_archive_in_an_archive_is_refused_in_a_sentence(tmp_path):
    inner = make_zip(tmp_path / "inner.zip", [("a.png", make_png())])
    members = [("inner.zip", inner.read_bytes()), ("b.png", make_png())]
    films = found_in(make_zip(tmp_path / "outer.zip", members)).films
    assert "archive inside an archive; unpack it" in error_of(films[0])
    assert films[1].read()


def test_an_archive_that_unpacks_to_far_more_than_films_is_refused_unread(tmp_path):
    films = found_in(make_zip(tmp_path / "bomb.zip", [("a.png", b"\0" * 5_000_000)])).films
    assert len(films) == 1
    assert "times its size, more than films would; give the films" in error_of(films[0])


def test_a_member_larger_than_any_film_is_refused_while_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILM_BYTES", 2_000_000)
    members = [("large.png", b"\0" * 3_000_000), ("a.png", make_png())]
    path = make_zip(tmp_path / "list.zip", members, compression=zipfile.ZIP_STORED)
    films = found_in(path).films
    assert "more than 2 MB; use the film alone" in error_of(films[0])
    assert films[1].read()


def test_a_size_that_lies_gives_no_more_than_it_says(tmp_path):
    path = make_zip(tmp_path / "liar.zip", [("a.png", b"\0" * 900_000)])
    data = path.read_bytes()
    size = struct.pack("<I", 900_000)
    path.write_bytes(data.replace(size, struct.pack("<I", 100)))
    assert "damaged or incomplete" in error_of(found_in(path).films[0])


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    path = make_zip(tmp_path / "list.zip", [(f"{i}.png", make_png()) for i in range(4)])
    assert "more than 3 files; split it" in error_of(found_in(path).films[0])


def test_a_huge_list_of_members_is_refused_before_it_is_in_memory(tmp_path, monkeypatch):
    path = make_zip(tmp_path / "list.zip", [(f"{i:04}.png", b"") for i in range(1200)])
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 60_000)
    assert "split it" in error_of(found_in(path).films[0])
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 4_000_000)
    assert len(found_in(path).films) == 1200


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_without_a_bound_are_refused(tmp_path, method):
    path = make_zip(tmp_path / "list.zip", [("a.png", make_png())], compression=method)
    assert "use a plain zip archive" in error_of(found_in(path).films[0])


def test_a_member_with_a_password_says_so(tmp_path):
    path = make_zip(tmp_path / "list.zip", [("a.png", make_png())])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    path.write_bytes(data)
    assert "locked with a password" in error_of(found_in(path).films[0])


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_cannot_be_unpacked_are_judged_by_name(tmp_path, method):
    films = ["DICOM/IM1", "1.2.840.1", "a.PNG", "b.ima"]
    others = ["DICOMDIR", "viewer.exe", "core.DLL", "autorun.inf", "help.chm", "x.jar", "._a.png"]
    path = make_zip(
        tmp_path / "disc.zip", [(name, make_png()) for name in films + others], compression=method
    )
    found = find_films([("disc", path)])
    assert [film.name.removeprefix("disc/") for film in found.films] == films
    assert found.left_out == len(others)


@pytest.mark.parametrize("keep", [6, 200, -40])
def test_a_cut_archive_is_one_film_with_an_error(tmp_path, keep):
    path = make_zip(tmp_path / "list.zip", [("a.png", make_png())])
    path.write_bytes(path.read_bytes()[:keep])
    films = found_in(path).films
    assert len(films) == 1
    assert "archive is damaged or incomplete; make or copy it again" in error_of(films[0])


def test_a_member_with_other_bytes_than_its_checksum_is_refused(tmp_path):
    film = make_png()
    path = make_zip(tmp_path / "list.zip", [("a.png", film)], compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(film) + len(film) // 2] ^= 0xFF
    path.write_bytes(data)
    assert "damaged" in error_of(found_in(path).films[0])


def test_an_archive_without_films_says_so(tmp_path):
    empty = found_in(make_zip(tmp_path / "empty.zip", []))
    documents = found_in(make_zip(tmp_path / "documents.zip", [("a.txt", b"x")]))
    assert "holds no film" in error_of(empty.films[0])
    assert "holds no film" in error_of(documents.films[0])
    assert documents.left_out == 1


def test_no_error_holds_a_name(tmp_path):
    path = make_zip(tmp_path / "Miller.zip", [("Jane.png", b"no film")])
    assert "Jane" not in error_of(found_in(path).films[0])
    path.unlink()
    gone = FilmSource(name="Jane", path=path, member=0)
    assert "Miller" not in error_of(gone)


def test_a_name_that_would_steer_the_screen_is_marked():
    assert printable_name("a\u202egnp.exe\r\n\x1b[31m é 骨") == "a�gnp.exe���[31m é 骨"


def test_noise_in_an_archive_never_ends_the_list(tmp_path):
    import random

    source = make_zip(
        tmp_path / "list.zip", [(f"{i}.png", make_png(64, 64, seed=i)) for i in range(3)]
    ).read_bytes()
    chance = random.Random(1)
    path = tmp_path / "noisy.zip"
    for _ in range(60):
        noisy = bytearray(source)
        for _ in range(4):
            start = chance.choice((0, len(noisy) - 250))
            noisy[start + chance.randrange(250)] = chance.randrange(256)
        path.write_bytes(noisy)
        for film in found_in(path).films:
            sources.film_or_error(film)


def test_the_bound_lets_a_whole_archive_through(tmp_path):
    content = make_png(1200, 1000)
    path = make_zip(tmp_path / "list.zip", [("a.png", content)])
    with archives._Bounded(io.FileIO(path)) as file:
        assert len(file.read()) == path.stat().st_size
    assert found_in(path).films[0].read().pixels.shape == (1200, 1000)
