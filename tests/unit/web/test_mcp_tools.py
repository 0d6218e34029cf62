"""Films that are given to a tool are deleted however the call ends."""

import base64
from pathlib import Path

import pytest

from bonefx.errors import UnreadableRadiographError
from bonefx.web import mcp_tools


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    """An upload folder with two films, each in a folder of its own, as gradio keeps them."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    paths = [tmp_path / "uploads" / name / "film.png" for name in "12"]
    for path in paths:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"film")
    return [str(path) for path in paths]


def test_uploads_and_base64_are_given_as_paths_and_deleted_afterwards(uploads):
    with mcp_tools.received_films([uploads[0], base64.b64encode(b"other").decode()]) as paths:
        assert [Path(path).read_bytes() for path in paths] == [b"film", b"other"]
    assert not any(Path(path).exists() for path in [uploads[0], *paths])
    assert Path(uploads[1]).exists()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_uploads_beside_an_invalid_film_are_deleted_too(uploads, place):
    films = list(uploads)
    films.insert(place, "no film!")
    with pytest.raises(UnreadableRadiographError), mcp_tools.received_films(films):
        pass
    assert not any(Path(path).exists() for path in uploads)
