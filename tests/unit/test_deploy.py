"""The files of deploy/: their settings fit the app, and their limits are those of the documents."""

import re
import tomllib

import pytest
import yaml

from bonefx.environment import VARIABLES
from bonefx.web.server_settings import server_settings
from bonefx.web.shared.uploads import MAX_UPLOAD_MB
from tests.fixtures.servers.app import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
UNITS_S = {"s": 1, "m": 60}


def test_every_variable_of_bonefx_that_is_set_exists():
    texts = [path.read_text(encoding="utf-8") for path in DEPLOY.iterdir() if path.is_file()]
    named = set(re.findall(r"\bBONEFX_[A-Z_]*[A-Z]", "".join(texts)))
    assert named
    assert named - set(VARIABLES) == set()


def test_the_image_is_that_of_the_tested_versions_and_runs_without_root():
    tested = re.search(r"with Python (\S+)\.", (REPOSITORY / "constraints.txt").read_text())[1]
    assert f"ARG PYTHON={tested}\n" in DOCKERFILE
    assert "PIP_CONSTRAINT=/build/constraints.txt" in DOCKERFILE
    assert re.findall(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE) == ["10001"]


def test_the_image_holds_what_metrics_and_a_pacs_need():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r'^RUN pip install "\.\[(.+)\]"$', DOCKERFILE, re.MULTILINE)
    assert extras.split(",") == ["metrics", "pacs"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_all_that_the_image_copies_reaches_the_builder():
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == sent
    assert [name for name in sent if not (REPOSITORY / name).exists()] == []
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {path.split("/")[0] for path in project["license-files"]} <= sent


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]


def test_the_app_is_reached_by_the_proxy_alone_and_asks_for_a_login():
    app = SERVICES["bonefx"]
    assert "ports" not in app
    assert app["networks"] == ["inside"]
    settings = {name: value for name, value in app["environment"].items() if name in VARIABLES}
    assert settings["BONEFX_AUTH"] == f"/run/secrets/{app['secrets'][0]}"
    assert settings["BONEFX_ALLOWED_HOSTS"].startswith("${SITE_NAME:?")


def test_the_proxy_and_the_engine_wait_as_long_as_the_app_needs():
    largest = int(re.search(r"max_size (\d+)MiB", (DEPLOY / "Caddyfile").read_text())[1])
    assert MAX_UPLOAD_MB < largest < 1.1 * MAX_UPLOAD_MB
    number, unit = re.fullmatch(r"(\d+)([sm])", SERVICES["bonefx"]["stop_grace_period"]).groups()
    assert int(number) * UNITS_S[unit] > server_settings({}).stop_s
