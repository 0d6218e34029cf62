"""The answer about a film is dropped once another film is opened."""

import pytest

from bonefx.web.shared.newest_film import Openings


def outdated(update):
    return f"what holds of {update}"


def test_the_answer_about_the_newest_film_is_shown():
    openings = Openings()
    openings.open()
    assert openings.newest_only(lambda: "answer", outdated=outdated) == "answer"


def test_the_answer_about_an_earlier_film_is_dropped():
    openings = Openings()

    def read():
        openings.open()  # by another request, while the model runs
        return "answer"

    assert openings.newest_only(read, outdated=outdated) == "what holds of answer"


def test_an_announcement_after_its_film_changes_nothing():
    openings = Openings()
    openings.end_upload()

    def read():
        assert not openings.announce()  # of the film that is read, on a slow line
        return "answer"

    assert openings.newest_only(read, outdated=outdated) == "answer"
    assert openings.announce()  # of the next film


def test_an_announced_film_makes_the_answer_about_the_one_before_outdated():
    openings = Openings()
    openings.announce()
    openings.end_upload()

    def read():
        assert openings.announce()
        return "answer"

    assert openings.newest_only(read, outdated=outdated) == "what holds of answer"


def test_an_upload_that_failed_makes_the_answer_about_the_film_before_outdated():
    openings = Openings()
    openings.announce()
    openings.end_upload()

    def read():
        openings.end_upload()  # of the next film, which is too large
        return "answer"

    assert openings.newest_only(read, outdated=outdated) == "what holds of answer"


def test_an_announcement_after_its_failure_changes_nothing():
    openings = Openings()
    openings.end_upload()
    assert not openings.announce()
    assert openings.announce()  # of the next film


def test_a_fault_is_that_of_the_newest_film_until_another_one_is_opened():
    openings = Openings()
    openings.open()
    assert not openings.newest_failed

    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        openings.newest_only(fail, outdated=outdated)
    assert openings.newest_failed
    openings.open()
    assert not openings.newest_failed
