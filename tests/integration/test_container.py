"""The app under the limits of its container: no root, nothing writable but a temporary folder.

The kernel gives the limits of deploy/compose.yaml without a container engine: namespaces for mounts
and processes, a read-only file system, another user without capabilities. The image itself is built
and asked in the workflow.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import REPOSITORY, ServedApp, find_free_port, wait_for_app
from tests.fixtures.servers.calls import TIMEOUT_S, answer_of, start_call, upload

USER = "10001"
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
# Arguments: temporary folder, the interpreter's folder, and the first folder above it that other
# users may not enter, or nothing; then the command.
READ_ONLY = """
set -e
if [ -n "$3" ]; then
    mount --bind "$2" "$1"
    mount -t tmpfs -o mode=755 tmpfs "$3"
    mkdir -p "$2"
    mount --move "$1" "$2"
fi
mount -o remount,bind,ro /
mount -t tmpfs -o size=1g,mode=1777,noexec,nosuid,nodev tmpfs "$1"
cd "$1"
shift 3
exec "$@"
"""
WITHOUT_RIGHTS = (
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
    "--inh-caps=-all", "--bounding-set=-all",
)  # fmt: skip
COMPLAINTS = re.compile(r"Traceback|Permission|Read-only|read-only|not writable|cannot be written")
PATIENCE_S = 120


@dataclass(frozen=True, kw_only=True)
class Container:
    """A running app with its limits, and the process of the namespaces around it."""

    app: ServedApp
    outside: subprocess.Popen[bytes]
    temporary: Path

    def process_id(self) -> int:
        """Return the id of the app outside of its namespace, where it has id 1."""
        children = Path(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children")
        (child,) = children.read_text().split()
        return int(child)


def inside(temporary: Path, *command: object) -> list[str]:
    """Return the command line that runs a command under the limits."""
    python = Path(sys.base_prefix)
    closed = [path for path in reversed(python.parents) if not path.stat().st_mode & 0o001]
    folders = (temporary, python, closed[0] if closed else "")
    words = [*NAMESPACES, "sh", "-c", READ_ONLY, "sh", *folders, *WITHOUT_RIGHTS, *command]
    return [str(word) for word in words]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that other users may enter: a small model, its exported network, a mount point."""
    made = Path(tempfile.mkdtemp(prefix="bonefx-container-"))
    (made / "tmp").mkdir()
    make_model_folder(made / "weights")
    subprocess.run(
        [sys.executable, "-m", "bonefx", "read", REPOSITORY / "examples" / "IMG0000801.jpg"],
        env=environment(made), check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run([shutil.which("chmod"), "-R", "a+rX", made], check=True)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def limits(folder):
    """Skip the tests where the limits cannot be set."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("namespaces and another user need root on Linux")
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("util-linux is not installed")
    tried = subprocess.run(
        inside(folder / "tmp", sys.executable, "-c", "import bonefx"),
        capture_output=True, text=True, check=False, env=environment(folder),
    )  # fmt: skip
    if tried.returncode != 0:
        pytest.skip(f"this machine refuses the limits: {tried.stderr.strip()[-200:]}")


def environment(folder, **settings):
    """The variables of the image; no home folder exists."""
    own = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": str(folder / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1",
        "BONEFX_WEIGHTS": str(folder / "weights"), "BONEFX_DEVICE": "cpu",
        "BONEFX_CACHE": str(folder / "networks"),
    }  # fmt: skip
    return own | settings


@pytest.fixture
def container(limits, folder, tmp_path) -> Iterator[Container]:
    """Serve the app under the limits."""
    port = find_free_port()
    served = ServedApp(url=f"http://127.0.0.1:{port}", log=tmp_path / "log", uploads=folder / "tmp")
    with served.log.open("w") as log:
        process = subprocess.Popen(
            inside(folder / "tmp", sys.executable, REPOSITORY / "app.py"),
            env=environment(folder, BONEFX_PORT=str(port)), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for_app(served, process)
        yield Container(app=served, outside=process, temporary=folder / "tmp")
    finally:
        process.kill()
        process.wait()


def test_nothing_but_the_temporary_folder_can_be_written(limits, folder):
    program = (
        "import os, pathlib, tempfile\n"
        "def refused(path):\n"
        "    try: pathlib.Path(path).write_text('x')\n"
        "    except OSError: return True\n"
        f"paths = ['/x', '/etc/x', {str(REPOSITORY / 'x')!r}, '/var/tmp/x']\n"
        "assert all(map(refused, paths)); assert os.getuid() == 10001; assert os.getpid() == 1\n"
        "tempfile.NamedTemporaryFile()\n"
    )
    command = inside(folder / "tmp", sys.executable, "-c", program)
    ended = subprocess.run(command, env=environment(folder), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_app_reads_a_film_stops_in_order_and_complains_of_nothing(container):
    url = container.app.url
    assert httpx.get(f"{url}/healthz", timeout=TIMEOUT_S).json()["status"] == "ok"
    film = upload(url, "film.png", make_png(400, 300, seed=1))
    name, content = answer_of(start_call(url, "read", [film]))
    assert name == "complete"
    assert '"probability"' in content
    os.kill(container.process_id(), signal.SIGTERM)
    assert container.outside.wait(timeout=PATIENCE_S) == 0
    log = container.app.log.read_text()
    lines = [line for line in log.splitlines() if COMPLAINTS.search(line)]
    assert lines == [], log


def test_the_health_check_of_the_image_tells_a_running_app_from_a_stopped_one(container):
    def checked():
        script = str(REPOSITORY / "deploy" / "healthcheck.py")
        return subprocess.run(
            [sys.executable, script, "--url", container.app.url],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert checked().returncode == 0
    os.kill(container.process_id(), signal.SIGTERM)
    container.outside.wait(timeout=PATIENCE_S)
    time.sleep(0.1)
    stopped = checked()
    assert stopped.returncode == 1
    assert "cannot be reached" in stopped.stderr
