"""Drawn pictures out of scope are reproducible."""

from train.evaluate.scope.intruders import DEVELOPMENT, REPORTED, draw_intruders


def test_drawn_pictures_are_the_same_each_time_and_differ_between_the_halves():
    first, again, other = (
        draw_intruders(REPORTED),
        draw_intruders(REPORTED),
        draw_intruders(DEVELOPMENT),
    )
    for one, same in zip(first[::23], again[::23], strict=True):
        assert (one.film.pixels == same.film.pixels).all()
    pairs = zip(first, other, strict=True)
    assert any(one.film.pixels.shape != two.film.pixels.shape for one, two in pairs)
