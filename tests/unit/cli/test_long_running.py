"""What commands share that run until they are stopped."""

import logging
import os
import signal
import threading

import pytest

from bonefx.cli.long_running import long_running


@pytest.fixture(autouse=True)
def process_as_before(tmp_path, monkeypatch):
    """Keep signals, logging and hooks of this process."""
    from bonefx.films.decoding import confinement

    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(confinement, "hide_memory", lambda: None)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    yield
    signal.signal(signal.SIGTERM, before)
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level


def test_sigterm_ends_the_block_and_the_folder_of_the_run_goes(tmp_path):
    with long_running("text"):
        assert list(tmp_path.glob("bonefx-run-*"))
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("the signal was ignored")
    assert list(tmp_path.iterdir()) == []


def test_a_thread_that_fails_is_logged_without_the_message_of_its_fault(capfd):
    def fail():
        raise ValueError("Miller^Anna")

    with long_running("text"):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    told = capfd.readouterr().err
    assert "a thread failed" in told
    assert "ValueError" in told
    assert "Miller" not in told
    assert "test_long_running.py" in told
