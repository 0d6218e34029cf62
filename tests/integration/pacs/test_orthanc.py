"""Orthanc sends a film to bonefx, and files both reports with it."""

import json
import os
import shutil
import subprocess

import httpx
import pytest

from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.servers.app import find_free_port
from tests.fixtures.servers.fake_pacs import MODALITY_TITLE, PACS_TITLE, wait_until

SBIN = "/usr/sbin"  # where Debian's package puts it
ORTHANC = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}{os.pathsep}{SBIN}")

pytestmark = pytest.mark.skipif(ORTHANC is None, reason="Orthanc is not installed")


@pytest.fixture
def orthanc(tmp_path):
    """Run an empty Orthanc; return its address and a function that starts it with a modality."""
    http_port, dicom_port = find_free_port(), find_free_port()
    processes = []

    def start(bonefx_port):
        settings = {
            "StorageDirectory": str(tmp_path / "db"), "IndexDirectory": str(tmp_path / "db"),
            "DicomAet": PACS_TITLE, "DicomPort": dicom_port, "HttpPort": http_port,
            "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [],
            "DicomCheckCalledAet": True,
            "DicomModalities": {
                "bonefx": {
                    "AET": "BONEFX", "Host": "127.0.0.1", "Port": bonefx_port,
                    "LocalAet": MODALITY_TITLE,
                },
            },
        }  # fmt: skip
        (tmp_path / "orthanc.json").write_text(json.dumps(settings))
        with (tmp_path / "orthanc.log").open("wb") as log:
            processes.append(
                subprocess.Popen([ORTHANC, tmp_path / "orthanc.json"], stdout=log, stderr=log)
            )
        client = httpx.Client(base_url=f"http://127.0.0.1:{http_port}", timeout=60)
        wait_until(lambda: _answers(client))
        return client

    yield dicom_port, start
    for process in processes:
        process.terminate()
        process.wait(60)


def _answers(client):
    try:
        return client.get("/system").is_success
    except httpx.TransportError:
        return False


def test_orthanc_sends_a_film_and_files_both_reports_with_it(orthanc, listen):
    dicom_port, start = orthanc
    bonefx = listen(dicom_port)
    client = start(bonefx.port)
    film = client.post("/instances", content=make_dicom_of_study()).json()
    assert client.post("/modalities/bonefx/echo", json={}).is_success
    sent = client.post("/modalities/bonefx/store", content=film["ID"]).json()
    assert sent["FailedInstancesCount"] == 0
    wait_until(lambda: bonefx.outbox.delivered == 2)
    series = client.get("/series?expand").json()
    assert {one["MainDicomTags"]["Modality"] for one in series} == {"DX", "OT", "SR"}
    assert {one["ParentStudy"] for one in series} == {film["ParentStudy"]}
