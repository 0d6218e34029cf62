"""`bonefx archive` without its packages, and its options."""

import pytest

from bonefx.cli import archive
from bonefx.cli.parser import main


def test_without_its_packages_the_command_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(archive, "_is_installed", lambda package: package != "ray")
    assert main(["archive", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "needs Ray; install with: pip install 'bonefx[archive]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", ["--workers=0", "--shard-files=-1", "--cpus-per-worker=nan", "--gpus-per-worker=-1"]
)
def test_numbers_that_make_no_sense_are_refused_at_once(capsys, option):
    with pytest.raises(SystemExit) as stop:
        main(["archive", "films", "--out", "out", option])
    assert stop.value.code == 2
    assert "give" in capsys.readouterr().err


def test_the_options_offer_what_there_is():
    pytest.importorskip("fsspec", reason="bonefx[archive] is not installed")
    from bonefx.archive.records import Partition

    assert tuple(Partition) == archive.PARTITIONS
