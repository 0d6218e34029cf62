"""The endpoint for programs that reads one film."""

from __future__ import annotations

import pytest

from bonefx.errors import SettingsError
from bonefx.web.read.api import ReadApi
from tests.fixtures.image_files import make_png


@pytest.mark.parametrize(
    "argument",
    [
        pytest.param({"turn": 45}, id="a turn that is none of four"),
        pytest.param({"crop": [0, 0, 90]}, id="three edges"),
        pytest.param({"crop": 5}, id="an edge alone"),
        pytest.param({"crop": [0, 0, 9000, 9000]}, id="a part beside the film"),
    ],
)
def test_an_upload_is_deleted_although_an_argument_is_wrong(tmp_path, argument):
    film = tmp_path / "film.png"
    film.write_bytes(make_png())
    with pytest.raises(SettingsError):
        ReadApi(reader=None).read(str(film), **argument)
    assert not film.exists()
