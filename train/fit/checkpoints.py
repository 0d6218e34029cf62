"""Checkpoints of a run: the last two, each with its SHA-256 and the identity of its run.

torch.save writes a zip archive and stores no checksum that torch.load compares. Here the comment of
the archive holds the SHA-256 of all bytes before it; torch.load and other programs read the file as
before.

Source:
    PKWARE, "APPNOTE.TXT", version 6.3.10, 4.3.16: the end of the central directory record ends with
    the length of the comment, two bytes, and the comment.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from bonefx.errors import RecipeError
from train.files import write_atomically
from train.fit.run_folder import RunFacts

logger = logging.getLogger(__name__)

CHECKPOINT_FILE = "checkpoint.pt"
PREVIOUS_FILE = "checkpoint.previous.pt"
DAMAGED_FILE = "checkpoint.damaged.pt"
COMMENT_START = b"sha256:"
COMMENT_BYTES = len(COMMENT_START) + 64
END_BYTES = 2 + COMMENT_BYTES  # length of the comment, and the comment
CHUNK_BYTES = 1 << 20


class _UnusableCheckpointError(Exception):
    """Why a checkpoint cannot be used, as the rest of a sentence that begins with its name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds tensors
class StoredCheckpoint:
    """The newest usable checkpoint of a run.

    Attributes:
        state: What save_checkpoint got.
        file: Name of its file.
        unusable: Names of newer files that cannot be used, each with the reason.
    """

    state: dict[str, Any]
    file: str
    unusable: Mapping[str, str]


def save_checkpoint(run: Path, state: Mapping[str, Any], facts: RunFacts) -> None:
    """Write a checkpoint; the one before it is kept as checkpoint.previous.pt.

    Args:
        run: Folder of the run.
        state: Tensors, numbers, texts, and lists and dicts of these.
        facts: The run; its recipe, split, initial weights and teacher identify it.

    Raises:
        RecipeError: The disk is full; both earlier checkpoints stay.
    """
    content = {**state, "run": _run_identity(facts)}

    def write(part: Path) -> None:
        torch.save(content, part)
        _add_checksum(part)

    write_atomically(run / CHECKPOINT_FILE, write, previous=run / PREVIOUS_FILE)


def load_checkpoint(run: Path, facts: RunFacts) -> StoredCheckpoint | None:
    """Load the newest usable checkpoint; None if the run has none.

    Raises:
        RecipeError: The run has checkpoints, and none of them can be used.
    """
    unusable: dict[str, str] = {}
    for name in (CHECKPOINT_FILE, PREVIOUS_FILE):
        if not (run / name).is_file():
            continue
        try:
            state = _read_checkpoint(run / name, _run_identity(facts))
        except _UnusableCheckpointError as error:
            unusable[name] = str(error)
        else:
            return StoredCheckpoint(state=state, file=name, unusable=unusable)
    if unusable:
        reasons = "; ".join(f"{name} {reason}" for name, reason in unusable.items())
        raise RecipeError(
            f"{run.name} has no usable checkpoint: {reasons}. Copy one back from a backup, or "
            "choose another --out to train from the first epoch"
        )
    return None


def set_aside_unusable(run: Path, stored: StoredCheckpoint, *, epochs: int) -> None:
    """Rename an unusable newest checkpoint, so that it does not replace the usable one.

    Args:
        run: Folder of the run.
        stored: What load_checkpoint returned.
        epochs: Number of epochs that the usable checkpoint has; named in the message.
    """
    for name, reason in stored.unusable.items():
        (run / name).replace(run / DAMAGED_FILE)
        logger.warning(
            "%s %s; training goes on from %s, after epoch %d. The other file is kept as %s",
            name, reason, stored.file, epochs, DAMAGED_FILE,
        )  # fmt: skip


def _run_identity(facts: RunFacts) -> str:
    """Compute a checksum of what train.fit.run_folder.check_same_run compares."""
    parts = (
        facts.recipe_sha256,
        facts.initial.sha256,
        facts.data.split_sha256,
        facts.teacher_sha256,
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _add_checksum(path: Path) -> None:
    """Replace the end of an archive without comment by one with the checksum as comment."""
    body_bytes = path.stat().st_size - 2
    with path.open("r+b") as file:
        end = _end_of_archive(file, body_bytes)
        file.seek(body_bytes)
        file.write(end)


def _end_of_archive(file: BinaryIO, body_bytes: int) -> bytes:
    """Compute the length of the comment and the comment, with the SHA-256 of the bytes before."""
    digest = hashlib.sha256()
    file.seek(0)
    while body_bytes > 0 and (chunk := file.read(min(CHUNK_BYTES, body_bytes))):
        digest.update(chunk)
        body_bytes -= len(chunk)
    return COMMENT_BYTES.to_bytes(2, "little") + COMMENT_START + digest.hexdigest().encode()


def _read_checkpoint(path: Path, identity: str) -> dict[str, Any]:
    """Read a checkpoint of a run.

    Raises:
        _UnusableCheckpointError: It is damaged, or belongs to another run.
    """
    try:
        _check_bytes(path)
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise _UnusableCheckpointError(f"cannot be read ({error.strerror})") from error
    if state.get("run") != identity:
        raise _UnusableCheckpointError("belongs to another run")
    return state


def _check_bytes(path: Path) -> None:
    """Compare a file with its checksum.

    Raises:
        _UnusableCheckpointError: The file is empty, has no checksum or has another one.
    """
    body_bytes = path.stat().st_size - END_BYTES
    if body_bytes < 0:
        raise _UnusableCheckpointError("is damaged: it is empty or was cut short")
    with path.open("rb") as file:
        expected = _end_of_archive(file, body_bytes)
        file.seek(body_bytes)
        found = file.read()
    if not found[2:].startswith(COMMENT_START):
        raise _UnusableCheckpointError(
            "has no checksum: it was cut short, or an earlier version wrote it"
        )
    if found != expected:
        raise _UnusableCheckpointError("is damaged: its checksum does not match")
