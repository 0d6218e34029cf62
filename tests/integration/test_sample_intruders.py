"""Pictures that are no bone films: the same ones each time, in two halves that share no source."""

import pytest

from train.evaluate.scope.intruders import DEVELOPMENT, REPORTED, find_intruders
from train.evaluate.scope.intruders.picture import half


@pytest.fixture(scope="module")
def halves():
    """The intruders of both halves."""
    for package in ("skimage", "data_store"):
        pytest.importorskip(package, reason=f"the sample pictures of {package} are missing")
    return {name: find_intruders(name) for name in (DEVELOPMENT, REPORTED)}


def test_the_halves_share_no_source(halves):
    assert set(half(range(9), DEVELOPMENT)).isdisjoint(half(range(9), REPORTED))
    sources = [{(one.kind, one.origin) for one in found} for found in halves.values()]
    assert sources[0].isdisjoint(sources[1])
    kinds = [{kind for kind, _ in half} for half in sources]
    assert kinds[0] >= {"photographs", "documents", "CT and MR slices", "ultrasound"}
    assert kinds[1] >= kinds[0] | {"chest films"}


def test_examinations_are_grey_pictures_with_black_ground(halves):
    pictures = [one for one in halves[REPORTED] if one.kind in {"ultrasound", "chest films"}]
    assert len(pictures) == 9
    for one in pictures:
        levels = one.film.pixels
        assert levels.ndim == 2
        assert levels.max() - levels.min() > 0.5
    chest = [one.film.pixels for one in pictures if one.kind == "chest films"]
    assert chest[0][900:1000, 870:970].mean() > chest[0][500:600, 500:600].mean()  # spine, lung
