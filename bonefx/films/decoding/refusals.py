"""Sentences about files whose decoding was ended."""

from __future__ import annotations

from bonefx.errors import UnreadableRadiographError
from bonefx.films.decoding.outcomes import Refused

REMEDY = "copy it again, or save it as uncompressed DICOM or as PNG in grey"


def refusal(error: UnreadableRadiographError) -> Refused:
    """Return an error as an outcome."""
    return Refused(error=type(error).__name__, message=str(error))


def too_much_memory() -> UnreadableRadiographError:
    """Return the error for a file whose decoding takes more memory than it may."""
    return UnreadableRadiographError(
        f"decoding the file takes more memory than the largest film does; {REMEDY}"
    )


def too_late() -> UnreadableRadiographError:
    """Return the error for a file whose decoding takes more time than it may."""
    return UnreadableRadiographError(
        f"decoding the file takes far longer than that of a film of its size; {REMEDY}"
    )


def decoder_ended() -> UnreadableRadiographError:
    """Return the error for a file that ended its decoding process."""
    return UnreadableRadiographError(
        f"the file ends the program that decodes it, as damaged or harmful files do; {REMEDY}"
    )
