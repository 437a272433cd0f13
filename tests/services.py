"""Services that tests deploy: each in a repository and namespaces of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploycharts.cluster.connection import Cluster
from deploycharts.cluster.objects import Objects
from deploycharts.registry.repository import Repository
from deploycharts.sandbox.lifecycle import Sandbox

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.prefix) / "bin"


def lasting_sandbox() -> Sandbox:
    """The sandbox of this checkout, started if it is not up, and left running.

    DEPLOYCHARTS_TEST_SANDBOX names another checkout whose sandbox is up: machines are small.
    """
    lent = os.environ.get("DEPLOYCHARTS_TEST_SANDBOX")
    if lent:
        return Sandbox(Path(lent))
    lasting = Sandbox(ROOT)
    lasting.up()
    return lasting


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Deployable:
    """A repository with one service on the example chart, aimed at the sandbox."""

    def __init__(self, root: Path, sandbox: Sandbox | None, *, name: str = "") -> None:
        self.root = root
        self.name = name or f"t-{uuid.uuid4().hex[:8]}"
        self.sandbox = sandbox
        if not (root / "helmfile.d").exists():
            self._lay_out()
        self._add()

    @property
    def repository(self) -> Repository:
        return Repository(self.root)

    @property
    def folder(self) -> Path:
        return self.root / "helmfile.d" / "services" / self.name

    def write(self, file: str, values: Mapping[str, Any]) -> None:
        """Write a values file of the service."""
        (self.folder / file).write_text(yaml.safe_dump(dict(values)))

    def fault(self, name: str, *, file: str = "values-staging.yaml", **more: Any) -> None:
        """Make the service's pods fail in the sandbox."""
        self.annotate(file, **{"sandbox.deploycharts/fault": name})
        if more:
            self.write(file, {**yaml.safe_load((self.folder / file).read_text()), **more})

    def annotate(self, file: str, **annotations: str) -> None:
        """Annotate the service's pods: that is how the sandbox is told what they do."""
        path = self.folder / file
        values = (yaml.safe_load(path.read_text()) if path.exists() else None) or {}
        known = values.get("podAnnotations") or {}
        self.write(file, {**values, "podAnnotations": {**known, **annotations}})

    def heal(self, *, file: str = "values-staging.yaml") -> None:
        """Make the pods sound again."""
        (self.folder / file).unlink()

    def greet(self, word: str) -> None:
        """Change the service's configuration: a change that restarts pods."""
        values = yaml.safe_load((self.folder / "values.yaml").read_text())
        values["config"] = {"env": {"GREETING": word}}
        self.write("values.yaml", values)

    def say(self, **facts: Any) -> None:
        """Declare more in the service.yaml: `gates`, `onFailure`, …"""
        file = self.folder / "service.yaml"
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **facts}))

    def gate(self, *environments: str, **gates: Any) -> None:
        """Change the gates that environments have by default."""
        path = self.root / "helmfile.d" / "environments.yaml"
        body = yaml.safe_load(path.read_text())
        for name in environments:
            body["environments"][name]["values"][0]["gates"].update(gates)
        path.write_text(yaml.safe_dump(body))

    def commit(self, message: str = "Change") -> str:
        """Commit everything; the commit's name."""
        author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        for words in (["add", "--all"], [*author, "commit", "-q", "--allow-empty", "-m", message]):
            subprocess.run(["git", *words], cwd=self.root, check=True)
        return subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def register(self, *environments: str) -> None:
        """Carry out the cluster step."""
        for environment in environments:
            ended = self.run("deploy", "cluster", environment, "--yes")
            assert ended.code == 0, ended.err

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> Ended:
        """Run one of our programs in the repository, without a terminal."""
        done = subprocess.run(
            [str(PROGRAMS / argv[0]), *argv[1:]], cwd=self.root, env=self.environ(env),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def deploy(self, *words: str, env: Mapping[str, str] | None = None) -> Ended:
        """`deploy` with the service's name after the words."""
        return self.run("deploy", *words, self.name, env=env)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`deploy` with the service's name after the words, left running."""
        return subprocess.Popen(
            [str(PROGRAMS / "deploy"), *words, self.name], cwd=self.root, env=self.environ(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def break_pods(self, environment: str, release: str) -> None:
        """Make the pods that run now crash."""
        cluster = Cluster(self.kubeconfig(environment), name=environment)
        try:
            objects = Objects(cluster)
            labels = f"app.kubernetes.io/instance={release}"
            fault = {"metadata": {"annotations": {"sandbox.deploycharts/fault": "crash"}}}
            for pod in objects.list("v1", "pods", namespace=self.name, labels=labels):
                name = pod["metadata"]["name"]
                objects.patch("v1", "pods", name, fault, namespace=self.name)
        finally:
            cluster.close()

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of our programs: journals in the test's own folder."""
        journals = str(self.root / ".journals")
        return {**os.environ, "DEPLOYCHARTS_JOURNAL": journals, "COLUMNS": "80", **(more or {})}

    def kubeconfig(self, environment: str) -> Path:
        return self.repository.environment(environment).kubeconfig_of(self.name)

    def helm(self, environment: str, *words: str) -> Ended:
        """Plain helm with the service's own credentials."""
        return self.run(
            "helm", *words, "--namespace", self.name,
            "--kubeconfig", str(self.kubeconfig(environment)),
        )  # fmt: skip

    def history(self, environment: str, release: str) -> list[tuple[int, str]]:
        """helm's history: revisions and their status."""
        ended = self.helm(environment, "history", release, "-o", "json")
        return [(each["revision"], each["status"]) for each in ended.json] if ended.out else []

    def journal(self) -> list[dict[str, Any]]:
        """The lines of the newest journal."""
        newest = max((self.root / ".journals").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line) for line in newest.read_text().splitlines()]

    def _lay_out(self) -> None:
        source = self.root / "helmfile.d"
        shutil.copytree(ROOT / "helmfile.d" / "defaults", source / "defaults")
        shutil.copytree(ROOT / "helmfile.d" / "cluster" / "chart", source / "cluster" / "chart")
        shutil.copytree(ROOT / "charts" / "echoserver", self.root / "charts" / "echoserver")
        shutil.copy(ROOT / "helmfile.d" / "release.yaml.gotmpl", source)
        self._declare_environments(source / "environments.yaml")
        (source / "cluster" / "services").mkdir()
        subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=self.root, check=True)
        (self.root / ".gitignore").write_text("/.credentials/\n/.journals/\n")

    def _add(self) -> None:
        source = self.root / "helmfile.d"
        shutil.copytree(ROOT / "helmfile.d" / "services" / "echoserver", self.folder)
        # Each check of each release takes a second, which only tests of checks need.
        self.write("service.yaml", {"description": "it", "chart": "echoserver"})
        state = self.folder / "helmfile.yaml.gotmpl"
        state.write_text(state.read_text().replace('"name" "echoserver"', f'"name" "{self.name}"'))
        values = yaml.safe_load((self.folder / "values.yaml").read_text())
        self.write("values.yaml", {**values, "name": self.name})
        (self.folder / "values-staging.yaml").unlink(missing_ok=True)
        entry = source / "cluster" / "services" / f"{self.name}.yaml"
        entry.write_text(yaml.safe_dump({"namespace": self.name, "quota": {"pods": "20"}}))

    def _declare_environments(self, path: Path) -> None:
        body = yaml.safe_load((ROOT / "helmfile.d" / "environments.yaml").read_text())
        for name, spec in body["environments"].items():
            facts = spec["values"][0]
            facts["tolerateSeconds"] = 2
            facts["timeoutSeconds"] = 60
            facts["gates"] = {"staging": False, "merged": False}
            facts["kubeconfig"] = str(self.root / ".credentials/{environment}/{service}.kubeconfig")
            if self.sandbox is not None:
                facts["adminKubeconfig"] = str(self.sandbox.kubeconfig(name))
        path.write_text(yaml.safe_dump(body))


def processes_of(service: Deployable, program: str) -> Iterator[int]:
    """The processes of a program that work for a service."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        is_ours = any(service.name in word or str(service.root) in word for word in words)
        if words[0] and Path(words[0]).resolve().name == program and is_ours:
            yield int(folder.name)


Make = Callable[..., Deployable]
