"""Reading one film for programs: the answer of the HTTP endpoint and of the MCP tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from bonefx.errors import SettingsError
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.records import QUARTER_TURN_DEGREES, FilmEdit, box_of_edges, edit_radiograph
from bonefx.report import reading_table
from bonefx.scope.body_parts import with_named_region
from bonefx.web.shared.components import MODEL_EVENT
from bonefx.web.shared.error_messages import show_errors_to_user
from bonefx.web.shared.uploads import read_and_delete


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadApi:
    """Endpoint for programs."""

    reader: Reader

    def read(  # noqa: PLR0913, PLR0917 (gradio passes values by position)
        self,
        film: str,
        point: str | None = None,
        invert: bool = False,  # noqa: FBT001, FBT002
        turn: int = 0,
        mirror: bool = False,  # noqa: FBT001, FBT002
        crop: list[int] | None = None,
        outside_scope: bool = False,  # noqa: FBT001, FBT002
        damaged: bool = False,  # noqa: FBT001, FBT002
        region: str = "",
    ) -> dict[str, Any]:
        """Read one bone radiograph for a fracture. Research software, not a medical device.

        Args:
            film: A file in PNG, JPEG, TIFF, WebP, BMP or DICOM format; deleted once read.
            point: Name of an operating point; the model's default if empty.
            invert: Swap black and white first, because the film shows bone dark.
            turn: Turn the film clockwise first, by 0, 90, 180 or 270 degrees.
            mirror: Swap left and right first.
            crop: Read only this part: top, left, bottom and right in pixels of the film as bonefx
                reads it, upright and with square pixels, bottom and right excluded; the whole film
                if empty.
            outside_scope: Read the film anyway if only the statistics of the training films refuse
                it; outside_scope in the answer then has the refusal.
            damaged: Read a damaged JPEG as far as it can be decoded; film_notes then says so.
            region: Body region of the film, for region_notes; by the header or as recognised if
                empty.

        Returns:
            sha256 (of the film's file), model, weights_sha256, verdict (fracture, no_fracture,
            review or out_of_scope), reason with its reason_code, reason_value (measured) and
            reason_limit, probability (0 to 1; calibrated unless outside_scope is set), logit,
            point, threshold, review_band [low, high], heat_peak (logits), trust (checks of the heat
            map, with the failures for which it is not drawn; null without a map), findings (hot
            regions of the map: number, box [top, left, bottom, right] in pixels of the film after
            all changes, evidence in logits, probability of a fracture there), caution (why
            films should not be read with this model; null if there is none), outside_scope (the
            refusal of a film that was read anyway; else null), inverted, mirrored, turned_degrees
            and crop (as requested), looks_inverted (out of scope as it is, and in scope with
            invert),
            exposed_field (the part without borders, which was read; null for the whole film),
            exposed_field_corners (of a field that does not fill this part; black beside it),
            film_notes (what to know about how the file was read), regions (body regions; null
            where the model does not recognise any), region_source (user, header or model),
            region_notes (figures of the model for
            these regions), second_model (the verdict of a second model, with disagrees where it
            differs; null without one), device and elapsed_s. A film out of scope has no probability
            and no map; reason says why and what to do.
        """
        radiograph = read_and_delete(film, salvage=damaged)  # first, so that no upload is kept
        edit = FilmEdit(
            crop=None if crop is None or crop == [] else box_of_edges(crop),
            mirrored=mirror,
            quarter_turns=_quarter_turns(turn),
            inverted=invert,
        )
        radiograph = edit_radiograph(radiograph, edit)
        reading = self.reader.read(radiograph, point=point or None, outside_scope=outside_scope)
        answered = with_second_opinion(self.reader, radiograph, reading)
        return reading_table(with_named_region(answered, region))


def _quarter_turns(degrees: int) -> int:
    if degrees not in QUARTER_TURN_DEGREES:
        raise SettingsError(f"a film is turned by 0, 90, 180 or 270 degrees, not by {degrees}")
    return QUARTER_TURN_DEGREES.index(degrees)


def offer_read_api(reader: Reader, *, film: gr.File, point: gr.Radio) -> None:
    """Offer reading to programs as the endpoint /read.

    Args:
        reader: Holds the loaded models.
        film: Names the argument of the file.
        point: Names the argument of the operating point.
    """
    gr.Button(visible=False).click(
        show_errors_to_user(ReadApi(reader=reader).read),
        [
            film,
            point,
            gr.Checkbox(label="Invert", visible=False),
            gr.Number(0, label="Turn", precision=0, visible=False),
            gr.Checkbox(label="Mirror", visible=False),
            gr.JSON(label="Crop", visible=False),
            gr.Checkbox(label="Outside scope", visible=False),
            gr.Checkbox(label="Damaged", visible=False),
            gr.Textbox("", label="Region", visible=False),
        ],
        gr.JSON(visible=False),
        api_name="read",
        **MODEL_EVENT,
    )
