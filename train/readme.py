"""README's tables, rendered from the JSON of models and audits."""

from __future__ import annotations

from pathlib import Path

from bonefx.manifest import read_manifest
from bonefx.registry import model_ids
from train.card import render_figures, render_intruders, render_protocols, with_block
from train.figures import EVALUATION, read_evaluation


def rendered_blocks(model: Path, audits: Path) -> dict[str, str]:
    """Render README's tables by the name of their markers.

    Args:
        model: Folder of the model whose figures are shown; its neighbours' protocols stand beside.
        audits: Folder of audit.json files, one a data set.

    Raises:
        RecipeError: An evaluation or an audit does not fit.
    """
    from train.audit.records import read_audit
    from train.audit.summary import render_audits

    evaluation = read_evaluation(model / EVALUATION)
    models = [model.parent / name for name in model_ids(model.parent)]
    blocks = {
        "figures": render_figures(read_manifest(model), evaluation),
        "protocols": render_protocols([read_evaluation(one / EVALUATION) for one in models]),
    }
    if evaluation.scope is not None:
        blocks["intruders"] = render_intruders(read_manifest(model), evaluation)
    found = sorted(audits.glob("*.json"))
    if found:
        blocks["audits"] = render_audits([read_audit(path) for path in found])
    return blocks


def with_blocks(text: str, blocks: dict[str, str]) -> str:
    """Put all rendered tables between their markers; see card.with_block."""
    for name, content in blocks.items():
        text = with_block(text, name, content)
    return text
