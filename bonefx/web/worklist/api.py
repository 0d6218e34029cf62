"""Worklist for programs: the answer of the HTTP endpoint and of the MCP tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bonefx.reading.reader import Reader
from bonefx.reading.worklist import read_worklist
from bonefx.reading.worklist_tables import list_tables
from bonefx.web.worklist.session_list import SessionList


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistApi:
    """Endpoint for programs."""

    reader: Reader

    def worklist(self, films: list[str], point: str | None = None) -> list[dict[str, Any]]:
        """Read many bone radiographs for fractures. Research software, not a medical device.

        Args:
            films: Files in PNG, JPEG, TIFF, WebP, BMP or DICOM format, and zip archives of them;
                deleted once read.
            point: Name of an operating point; the model's default if empty.

        Returns:
            One object for each film, in the order given: place, film (its name), urgency (0 to 4;
            smaller is more urgent), verdict (fracture, no_fracture, review or out_of_scope),
            probability (calibrated, 0 to 1), reason and reason_code (why a film is out of scope or
            for review), error (why it was not read), same_as (place of a film with the same
            bytes), sha256, model, weights_sha256, point, threshold, caution (why this model should
            not be used for reading), inverted, looks_inverted, mirrored and turned_degrees (as
            from /read) and film_notes (what to know about how the file was read). One model reads
            the list, so second_model, second_verdict, second_probability and models_disagree are
            null. Then its case, films of one study, body part and side: case (its number),
            case_films, case_verdict (of its most urgent film), and study (a hash), body_part,
            laterality and view as the film's header names them.
        """
        session_list = SessionList()
        try:
            session_list.add_uploads(films or [], from_folder=False)
            rows = read_worklist(
                self.reader, session_list.films, point=point or None, thumbnails=False
            )
            return list_tables(list(rows))
        finally:
            session_list.close()
