"""A changed checkpoint is noticed, and the one before it is used."""

import random
import shutil
import zipfile

import pytest
import torch

from bonefx.errors import RecipeError
from tests.fixtures.training import make_run_facts
from train.fit.checkpoints import load_checkpoint, save_checkpoint, set_aside_unusable


@pytest.fixture
def facts(tmp_path):
    return make_run_facts(tmp_path)


@pytest.fixture
def run(tmp_path, facts):
    """A run with the checkpoints of epoch 1 and 2; epoch 0 is no longer kept."""
    folder = tmp_path / "run"
    for epoch in range(3):
        save_checkpoint(folder, make_state(epoch), facts)
    return folder


def make_state(epoch):
    return {"weights": torch.full((500,), float(epoch)), "history": [{"epoch": epoch}]}


def flip(path, *places):
    """Change the bytes at some places, negative ones from the end."""
    content = bytearray(path.read_bytes())
    for place in places:
        content[place] ^= 0x55
    path.write_bytes(content)


def epoch_of(stored):
    (weights,) = set(stored.state["weights"].tolist())
    assert stored.state["history"] == [{"epoch": weights}]
    return weights


def test_the_last_two_checkpoints_are_kept(run, facts):
    assert {path.name for path in run.iterdir()} == {"checkpoint.pt", "checkpoint.previous.pt"}
    stored = load_checkpoint(run, facts)
    assert (epoch_of(stored), stored.file, stored.unusable) == (2, "checkpoint.pt", {})
    (run / "checkpoint.pt").unlink()
    assert epoch_of(load_checkpoint(run, facts)) == 1


def test_a_run_without_checkpoints_starts_at_its_first_epoch(tmp_path, facts):
    assert load_checkpoint(tmp_path, facts) is None


def test_other_programs_read_a_checkpoint_and_its_checksum(run):
    assert torch.load(run / "checkpoint.pt", weights_only=True)["weights"][0] == 2
    with zipfile.ZipFile(run / "checkpoint.pt") as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(b"sha256:")


def test_any_changed_byte_is_noticed(run, facts):
    """Every place would take too long: 300 of them, and all of the checksum itself."""
    whole = (run / "checkpoint.pt").read_bytes()
    places = random.Random(0).sample(range(len(whole)), 300)
    for place in [*places, *range(-73, 0)]:
        flip(run / "checkpoint.pt", place)
        stored = load_checkpoint(run, facts)
        assert (epoch_of(stored), stored.file) == (1, "checkpoint.previous.pt"), place
        assert list(stored.unusable) == ["checkpoint.pt"]
        flip(run / "checkpoint.pt", place)
    assert (run / "checkpoint.pt").read_bytes() == whole
    assert epoch_of(load_checkpoint(run, facts)) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            lambda path: flip(path, *range(1000, 1200)), "checksum does not match", id="200 bytes"
        ),
        pytest.param(lambda path: path.write_bytes(b""), "is empty or was cut short", id="empty"),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:-1]), "no checksum", id="a byte short"
        ),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:1500]), "no checksum", id="cut"
        ),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes() + b"x"), "no checksum", id="too long"
        ),
        pytest.param(
            lambda path: torch.save(make_state(9), path), "an earlier version", id="unsigned"
        ),
    ],
)
def test_the_checkpoint_before_a_damaged_one_is_used(run, facts, change, reason, caplog):
    change(run / "checkpoint.pt")
    stored = load_checkpoint(run, facts)
    assert epoch_of(stored) == 1
    set_aside_unusable(run, stored, epochs=1)
    assert reason in caplog.text
    assert "training goes on from checkpoint.previous.pt, after epoch 1" in caplog.text
    assert {path.name for path in run.iterdir()} == {
        "checkpoint.previous.pt", "checkpoint.damaged.pt"
    }  # fmt: skip


def test_a_damaged_checkpoint_never_replaces_the_usable_one(run, facts):
    flip(run / "checkpoint.pt", 1500)
    set_aside_unusable(run, load_checkpoint(run, facts), epochs=1)
    save_checkpoint(run, make_state(2), facts)
    flip(run / "checkpoint.pt", 1500)
    assert epoch_of(load_checkpoint(run, facts)) == 1


def test_exchanged_checkpoints_are_used_as_what_they_are(run, facts):
    (run / "checkpoint.pt").rename(run / "third")
    (run / "checkpoint.previous.pt").rename(run / "checkpoint.pt")
    (run / "third").rename(run / "checkpoint.previous.pt")
    assert epoch_of(load_checkpoint(run, facts)) == 1


def test_a_checkpoint_of_another_run_is_not_used(run, facts, tmp_path):
    other = make_run_facts(tmp_path, teacher_sha256="1" * 64)
    save_checkpoint(tmp_path / "other", make_state(7), other)
    shutil.copy(tmp_path / "other" / "checkpoint.pt", run / "checkpoint.pt")
    stored = load_checkpoint(run, facts)
    assert epoch_of(stored) == 1
    assert stored.unusable == {"checkpoint.pt": "belongs to another run"}


def test_a_run_without_a_usable_checkpoint_does_not_begin_again_in_silence(run, facts):
    flip(run / "checkpoint.pt", 1500)
    (run / "checkpoint.previous.pt").write_bytes(b"")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(RecipeError) as caught:
        load_checkpoint(run, facts)
    message = str(caught.value)
    assert "checkpoint.pt is damaged: its checksum does not match" in message
    assert "checkpoint.previous.pt is damaged: it is empty" in message
    assert "from a backup, or choose another --out" in message
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
