"""A Hugging Face Hub on this machine: what huggingface_hub asks of the real one, and no more."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import yaml

TOKEN = "hf_stand_in"
LARGE = (".safetensors", ".png")  # by LFS, as the Hub decides for what is not text


@dataclass(kw_only=True)
class Repository:
    """One model repository: branches that point to commits that hold files."""

    private: bool = False
    gated: bool = False
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, branch: str, changes: dict[str, bytes]) -> str:
        """Add files on a branch; returns the commit's hash."""
        files = self.commits.get(self.branches.get(branch, ""), {}) | changes
        facts = repr((len(self.commits), sorted(files.items())))
        oid = hashlib.sha1(facts.encode(), usedforsecurity=False).hexdigest()
        self.commits[oid] = files
        self.branches[branch] = oid
        return oid


@dataclass(kw_only=True)
class StandIn:
    """A running stand-in.

    Attributes:
        url: What HF_ENDPOINT must be.
        repositories: By OWNER/NAME.
        stored: Large files by SHA-256.
        asked: Method and path of each request, in order.
        read_only: The token may not write.
        full: Large files are refused.
    """

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    read_only: bool = False
    full: bool = False

    def add(self, repo: str, files: dict[str, bytes], **settings: bool) -> str:
        """A repository with files on main; returns the commit's hash."""
        made = self.repositories.setdefault(repo, Repository(**settings))
        return made.commit("main", files)


@contextmanager
def running() -> Iterator[StandIn]:
    """Serve a stand-in until the block ends."""
    hub = StandIn()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: StandIn
    routes = (
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate"),
        ("POST", r"/api/models/(?P<repo>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)", "preupload"),
        ("POST", r"/api/models/(?P<repo>[^/]+/[^/]+)/branch/(?P<branch>[^/]+)", "branch"),
        ("POST", r"/api/models/(?P<repo>[^/]+/[^/]+)/commit/(?P<revision>[^/]+)", "commit"),
        ("GET", r"/api/models/(?P<repo>[^/]+/[^/]+)", "info"),
        ("POST", r"/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
        ("PUT", r"/large/(?P<oid>[0-9a-f]{64})", "store"),
        ("GET", r"/large/(?P<oid>[0-9a-f]{64})", "large"),
        ("GET", r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)", "resolve"),
    )

    def do_GET(self):
        self.dispatch()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 (http.server's names)

    def log_message(self, *_):
        """Keep the test's output clean."""

    def dispatch(self):
        self.hub.asked.append(f"{self.command} {self.path}")
        size = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(size)
        path = urlsplit(self.path).path
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, pattern, name in self.routes:
            found = re.fullmatch(pattern, path)
            if found and wanted == method:
                parts = {key: unquote(value) for key, value in found.groupdict().items()}
                getattr(self, name)(**parts)
                return
        self.refuse(404, "NoSuchRoute")

    def create(self):
        asked = json.loads(self.body)
        repo = f"{asked['organization']}/{asked['name']}"
        if self.hub.read_only:
            self.refuse(403, "Forbidden")
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.refuse(401, "Unauthorized")
        elif repo in self.hub.repositories:
            self.answer({"url": f"{self.hub.url}/{repo}"}, status=409)
        else:
            self.hub.add(
                repo, {".gitattributes": b""}, private=asked.get("visibility") == "private"
            )
            self.answer({"url": f"{self.hub.url}/{repo}"})

    def validate(self):
        matter = json.loads(self.body)["content"].split("---\n")[1]
        sound = yaml.safe_load(matter)["license"] in {"cc-by-4.0", "other"}
        errors = [] if sound else [{"message": "license"}]
        self.answer({"errors": errors, "warnings": []}, status=200 if sound else 400)

    def preupload(self, repo, revision):
        names = [file["path"] for file in json.loads(self.body)["files"]]
        modes = ["lfs" if name.endswith(LARGE) else "regular" for name in names]
        self.answer({
            "files": [
                {"path": name, "uploadMode": mode, "shouldIgnore": False}
                for name, mode in zip(names, modes, strict=True)
            ]
        })  # fmt: skip

    def branch(self, repo, branch):
        found = self.hub.repositories[repo]
        if branch in found.branches:
            self.refuse(409, "Exists")
            return
        found.branches[branch] = found.branches["main"]
        self.answer({})

    def batch(self, repo):
        objects = json.loads(self.body)["objects"]
        self.answer({
            "objects": [
                {**wanted, "actions": {"upload": {"href": f"{self.hub.url}/large/{wanted['oid']}"}}}
                for wanted in objects
            ]
        })  # fmt: skip

    def store(self, oid):
        if self.hub.full or hashlib.sha256(self.body).hexdigest() != oid:
            self.refuse(400, "WrongContent")
            return
        self.hub.stored[oid] = self.body
        self.answer({})

    def commit(self, repo, revision):
        changes = {}
        for line in self.body.decode().splitlines():
            row = json.loads(line)
            if row["key"] == "file":
                changes[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            elif row["key"] == "lfsFile":
                changes[row["value"]["path"]] = self.hub.stored[row["value"]["oid"]]
        oid = self.hub.repositories[repo].commit(revision, changes)
        self.answer({"commitUrl": f"{self.hub.url}/{repo}/commit/{oid}", "commitOid": oid})

    def info(self, repo):
        found = self.hub.repositories.get(repo)
        if found is None:
            self.refuse(404, "RepoNotFound")
            return
        self.answer({"id": repo, "sha": found.branches["main"], "private": found.private})

    def resolve(self, repo, revision, file):
        found = self.hub.repositories.get(repo)
        if found is None:
            self.refuse(404, "RepoNotFound")
        elif found.gated:
            self.refuse(403, "GatedRepo")
        elif (commit := found.branches.get(revision, revision)) not in found.commits:
            self.refuse(404, "RevisionNotFound")
        elif file not in found.commits[commit]:
            self.refuse(404, "EntryNotFound", commit=commit)
        else:
            self.send_file(found.commits[commit][file], commit, large=file.endswith(LARGE))

    def send_file(self, content, commit, *, large):
        oid = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{oid[:40]}"', "X-Repo-Commit": commit}
        if not large:
            self.send(200, content, headers)
            return
        self.hub.stored[oid] = content
        cdn = self.hub.url.replace("127.0.0.1", "localhost")  # another host, as for the real Hub
        headers |= {
            "X-Linked-ETag": f'"{oid}"', "X-Linked-Size": str(len(content)),
            "Location": f"{cdn}/large/{oid}",
        }  # fmt: skip
        self.send(302, b"", headers)

    def large(self, oid):
        self.send(200, self.hub.stored[oid], {"ETag": f'"{oid}"'})

    def refuse(self, status, code, *, commit=None):
        headers = {"X-Error-Code": code, "X-Error-Message": code}
        self.send(status, b"", headers | ({"X-Repo-Commit": commit} if commit else {}))

    def answer(self, table, *, status=200):
        self.send(status, json.dumps(table).encode(), {"Content-Type": "application/json"})

    def send(self, status, content, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
