"""Sentences for reasons, with the body regions of the model that refused a film."""

import pytest

from bonefx.records import Reason, ReasonCode
from bonefx.report.wording.reasons import reason_text


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        pytest.param(("hand", "leg", "hip"),
                     "a plain radiograph of a hand, leg or hip: the original", id="three"),
        pytest.param(("hip", "leg"), "a plain radiograph of a hip or leg: the original", id="two"),
        pytest.param(("hip",), "a plain radiograph of a hip: the original", id="one"),
        pytest.param((), "a plain radiograph: the original", id="not known"),
    ],
)  # fmt: skip
def test_a_film_unlike_the_training_films_names_the_regions_that_the_model_knows(regions, words):
    reason = Reason(code=ReasonCode.UNLIKE_TRAINING_FILMS, value=9.0, limit=3.0, regions=regions)
    assert words in reason_text(reason)
