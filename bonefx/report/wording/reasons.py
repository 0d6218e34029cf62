"""Sentences for the reasons of a reading: what was found and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bonefx.records import (
    Reason,
    ReasonCode,
    probability_text,
)

EXPORT = "Export the film itself, with its own window, not a screenshot."
DAMAGED = "Copy or export the film again."
CROP = "Export it again with its own window, and crop it to the film."
REASON_TEXTS = {  # with the fields of _reason_fields
    ReasonCode.NO_SCOPE_DATA: "This model carries no scope data, so it cannot be checked whether "
    "it was trained for films like this. Export the model again with this version, or use another.",
    ReasonCode.SCOPE_CHECK_FAILED: "The scope check stopped with an error, so the film is not "
    "read. See the server's log.",
    ReasonCode.BODY_PART: "The file says that it shows another body part ({name}) than the model "
    "was trained for ({regions}). If the film shows one of these, have the entry corrected at its "
    "source.",
    ReasonCode.UNLIKE_TRAINING_FILMS: "This picture is unlike the films that the model was trained "
    "on. Use a plain radiograph{of_a_region}: the original film, upright and with unchanged grey "
    "levels. If the picture also shows its surroundings or other films, crop it to one film.",
    ReasonCode.RESEMBLES_OTHER_PICTURES: "This picture resembles dental films, chest films, slices "
    "of CT and MR, photographs or pages more than the films that the model was trained on. Use a "
    "plain radiograph{of_a_region}, without its surroundings.",
    ReasonCode.RESEMBLES_INVERTED_FILMS: "This picture resembles films with dark bone, and is out "
    "of scope with black and white swapped, too. Use a plain radiograph{of_a_region}: the original "
    "film, upright and with unchanged grey levels.",
    ReasonCode.LOOKS_INVERTED: "The film looks inverted, with dark bone. If it is a bone film, "
    "have it read inverted in Read, or on the command line with --invert.",
    ReasonCode.INVERTED_BY_USER: "With black and white swapped this is unlike the films that the "
    "model was trained on. Have it read as it is.",
    ReasonCode.FEW_GREY_LEVELS: "This picture has too few grey levels for a film: it looks drawn, "
    f"or saved with too few levels. {EXPORT}",
    ReasonCode.NARROW_RANGE: "This picture is nearly one grey: blank, or far under- or "
    f"over-exposed. {CROP}",
    ReasonCode.TOO_MUCH_WHITE: "This picture is white over more of its area than films are: "
    f"over-exposed, a page, or with white borders. {CROP}",
    ReasonCode.TOO_MUCH_OF_ONE_LEVEL: "This picture has one grey level over more of its area than "
    f"films have: it looks drawn, or is a page or a screen. {EXPORT}",
    ReasonCode.TOO_DARK: f"This picture is darker than films are: far under-exposed. {CROP}",
    ReasonCode.TOO_BRIGHT: "This picture is brighter than films are: over-exposed, inverted, or no "
    f"film. {CROP}",
    ReasonCode.NOISE_ACROSS: "This picture changes from pixel to pixel like noise or text. "
    f"{DAMAGED}",
    ReasonCode.NOISE_DOWN: "This picture changes from row to row like noise, or its rows are out "
    f"of order. {DAMAGED}",
    ReasonCode.ROWS_OUT_OF_ORDER: f"This picture has rows that do not follow each other. {DAMAGED}",
    ReasonCode.EMPTY_ROWS: "This picture has more empty rows than films have: part of it is lost. "
    f"{DAMAGED}",
    ReasonCode.IN_REVIEW_BAND: "Probability {probability} lies in the review band of '{name}', "
    "{band}: the model does not decide.",
    ReasonCode.MAP_OUT_OF_SCOPE: "No map: the film is out of scope.",
    ReasonCode.MAP_NOT_COMPUTED: "No map: the film was read without one.",
    ReasonCode.PEAK_BELOW_FLOOR: "No map: the evidence is below the floor. Its peak is "
    "{value:.2f}, the floor {limit:.2f} logits.",
    ReasonCode.MAP_ON_BORDER: "{percent:.0f} % of the map lies on the film's border (limit "
    "{limit_percent:.0f} %).",
    ReasonCode.MAP_ON_MARKERS: "{percent:.0f} % of the map lies on markers or text (limit "
    "{limit_percent:.0f} %).",
    ReasonCode.SMALL_LOGIT_DROP: "Blurring the hot region changes the logit by {change:+.2f} "
    "(limit {limit_change:+.2f}).",
    ReasonCode.OTHER_MODEL_DISAGREES: "{name} points elsewhere: the hot regions overlap by "
    "{percent:.0f} % (limit {limit_percent:.0f} %).",
    ReasonCode.MODEL_OUT_OF_SCOPE: "{name} gives no answer about this film, so it has no map.",
    ReasonCode.MODEL_MAP_UNRELIABLE: "{name} has no map: its localisation is not reliable.",
    ReasonCode.MODEL_MAP_WEAK: "{name} has no map: its evidence is too weak to show.",
}


def reason_text(reason: Reason) -> str:
    """Return the sentences for a reason: what was found and, for a refusal, what to do."""
    return REASON_TEXTS[reason.code].format_map(_reason_fields(reason))


def reasons_text(reasons: Iterable[Reason]) -> str:
    """Return the sentences for several reasons, one after the other."""
    return " ".join(reason_text(reason) for reason in reasons)


def alternatives_text(names: Sequence[str]) -> str:
    """Return names as alternatives, such as "hand, leg or hip"."""
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _reason_fields(reason: Reason) -> dict[str, object]:
    fields: dict[str, object] = {
        "name": reason.name, "regions": ", ".join(reason.regions),
        "of_a_region": f" of a {alternatives_text(reason.regions)}" if reason.regions else "",
    }  # fmt: skip
    if reason.value is not None:
        fields |= {
            "value": reason.value, "percent": 100 * reason.value, "change": -reason.value,
            "probability": probability_text(reason.value),
        }  # fmt: skip
    if isinstance(reason.limit, tuple):
        return fields | {"band": " to ".join(probability_text(edge) for edge in reason.limit)}
    if reason.limit is not None:
        fields |= {
            "limit": reason.limit, "limit_percent": 100 * reason.limit,
            "limit_change": -reason.limit,
        }  # fmt: skip
    return fields
