"""Render the YAML front matter of a model page on the Hugging Face Hub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bonefx.models.manifest import Manifest
from bonefx.records import Estimate
from bonefx.records.evaluation import Evaluation

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

TASK = "image-classification"
TAGS = ("radiology", "x-ray", "bone-fracture")
LICENCES = {  # by their names on the Hub
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0",
    "CC0 1.0": "cc0-1.0",
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
}


def front_matter(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render the front matter of a model page, with its two lines of hyphens.

    The licence is that of the training films, because a model must keep their terms. A licence
    without a name on the Hub is given as "other", with its text as the name.

    Args:
        manifest: Manifest of the model.
        evaluation: Evaluation with test figures.

    Source:
        https://github.com/huggingface/hub-docs/blob/main/modelcard.md
    """
    from huggingface_hub import ModelCardData

    licence = manifest.training_data.licence
    known = LICENCES.get(licence)
    data = ModelCardData(
        license=known or "other",
        license_name=None if known else slug(licence),
        library_name="bonefx",
        pipeline_tag=TASK,
        tags=[*TAGS, manifest.architecture],
        datasets=[slug(manifest.training_data.name)],
        model_name=manifest.id,
        eval_results=_results(manifest, evaluation),
    )
    return f"---\n{data.to_yaml(line_break=chr(10))}\n---\n"


def slug(text: str) -> str:
    """Return a name in the form of Hub metadata: small letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "unknown"


def _results(manifest: Manifest, evaluation: Evaluation) -> list[EvalResult]:
    """List the test figures: of the whole curve, and at the default operating point."""
    test = evaluation.splits["test"]
    point = test.point(manifest.default_point)
    measured = (
        ("roc_auc", "AUROC", test.auroc),
        ("brier_score", "Brier score", test.after["brier"]),
        (
            "expected_calibration_error",
            "Expected calibration error",
            test.after["expected_calibration_error"],
        ),
        ("sensitivity", f"Sensitivity at the {point.name} point", point.sensitivity),
        ("specificity", f"Specificity at the {point.name} point", point.specificity),
    )
    return [_result(manifest, kind, name, of) for kind, name, of in measured if of is not None]


def _result(manifest: Manifest, kind: str, name: str, estimate: Estimate) -> EvalResult:
    from huggingface_hub import EvalResult

    interval = f"95 % interval {estimate.low:.3f} to {estimate.high:.3f}, n = {estimate.n}"
    return EvalResult(
        task_type=TASK,
        dataset_type=slug(manifest.training_data.name),
        dataset_name=manifest.training_data.name,
        dataset_split="test",
        metric_type=kind,
        metric_name=f"{name} ({interval})",
        metric_value=round(estimate.value, 4),
    )
