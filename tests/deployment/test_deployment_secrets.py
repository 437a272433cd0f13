"""No secret leaves its place, whatever is done with the service that has it.

The service's private layer, an object of its chart and its kubeconfigs hold secrets. All verbs run
on real control planes; then all that they wrote is searched, and what ran meanwhile was looked at.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.searching import Needles, ProcessWatch
from tests.services import Deployable, Ended, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.thorough, pytest.mark.timeout(400)]

_CHART_SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "base.fullname" . }}-file
stringData:
  fixed: %s
  config.ini: |
    [database]
    password = {{ .Values.secrets.env.API_KEY }}
"""


class _Vault:
    """A service with secrets, and what its programs wrote so far."""

    def __init__(self, service: Deployable, folder: Path) -> None:
        self.service = service
        self.first, self.second, self.fixed = (_unique(name) for name in ("one", "two", "fixed"))
        self.private = folder / "private.yaml"
        self.log = folder / "pod.log"
        words = f"cannot log in with p@ss/{self.second}\"'"
        self.log.write_text(f"2026-01-01T00:00:00.000000000Z stderr F {words}\n")
        self.places = {name: folder / name for name in ("home", "tmp", "cache")}
        for place in self.places.values():
            place.mkdir()
        self.said: dict[str, Ended] = {}
        self.needles = Needles(
            first=self.first, second=self.second, fixed=self.fixed,
            **{f"token-{name}": _token(service.kubeconfig(name)) for name in ("staging", "codfw")},
        )  # fmt: skip
        self._lay_out()

    def keep(self, secret: str) -> None:
        """Make this the secret, between characters that other formats escape."""
        value = f"p@ss/{secret}\"'"
        self.private.write_text(yaml.safe_dump({"secrets": {"env": {"API_KEY": value}}}))

    def run(self, *argv: str, code: int | None = 0) -> Ended:
        """Run a program, which must end so."""
        ended = self.service.run(*argv, env=self._environ())
        self.said[f"{len(self.said)}: {' '.join(argv)}"] = ended
        assert code in (None, ended.code), f"{argv}: {ended.code}\n{ended.out}{ended.err}"
        return ended

    def told(self) -> set[str]:
        """Which programs told a secret."""
        return {
            f"{name} by {call}: {line}"
            for call, ended in self.said.items()
            for line in (ended.out + ended.err).splitlines()
            for name in self.needles.found_in(line.encode())
        }

    def left_in_files(self) -> set[str]:
        """Which files hold a secret, apart from those that are there to hold it."""
        root = self.service.root
        own = [self.private, self.log, root / ".credentials", self.template]
        found = self.needles.found_below(root, self.private.parent, apart_from=own)
        # What is checked in with a chart is no secret of this machine: git and its cache have it.
        public = (f"fixed in {root / '.git'}", f"fixed in {self.places['cache']}")
        return {each for each in found if not each.startswith(public)}

    def _lay_out(self) -> None:
        self.template.write_text(_CHART_SECRET % self.fixed)
        path = self.service.root / "helmfile.d" / "environments.yaml"
        body = yaml.safe_load(path.read_text())
        for spec in body["environments"].values():
            spec["values"][0]["private"] = str(self.private)
        path.write_text(yaml.safe_dump(body))
        example = {"secrets": {"env": {"API_KEY": "dummy-of-the-example"}}}
        self.service.write("private.example.yaml", example)

    @property
    def template(self) -> Path:
        """A Secret of the chart."""
        return self.service.root / "charts" / "echoserver" / "templates" / "secret-file.yaml"

    def _environ(self) -> Mapping[str, str]:
        home = str(self.places["home"])
        return {
            "HOME": home, "XDG_CACHE_HOME": f"{home}/.cache", "XDG_STATE_HOME": f"{home}/.state",
            "XDG_CONFIG_HOME": f"{home}/.config", "XDG_DATA_HOME": f"{home}/.data",
            "TMPDIR": str(self.places["tmp"]), "DEPLOYCHARTS_CACHE": str(self.places["cache"]),
        }  # fmt: skip


@pytest.fixture
def vault(make: Make, tmp_path_factory: pytest.TempPathFactory) -> _Vault:
    return _Vault(make("staging", "codfw"), tmp_path_factory.mktemp("vault"))


def test_no_secret_leaves_its_place(vault: _Vault) -> None:
    with ProcessWatch(vault.needles) as watch:
        _all_verbs(vault)

    assert not vault.told(), "\n".join(vault.told())
    assert not vault.left_in_files()
    assert not watch.found
    assert {f"helm {verb}" for verb in ("upgrade", "rollback", "template")} <= _helms(watch)
    assert not list(vault.places["tmp"].iterdir())


def _all_verbs(vault: _Vault) -> None:
    service, name = vault.service, vault.service.name
    vault.keep(vault.first)
    service.commit("Begin")
    plan = str(service.root / "a.plan")
    vault.run("deploy", "plan", "staging", name, "--out", plan)
    vault.run("deploy", "apply", plan)
    named = vault.run("deploy", "plan", "codfw", name, "-o", "json").json["plan"]["plan"]
    vault.run("deploy", "codfw", name, f"--yes={named}")

    vault.keep(vault.second)
    vault.run("deploy", "diff", "staging", name, "--full")
    vault.run("deploy", "diff", "codfw", name, "-o", "json")
    assert "<secret " in vault.run("deploy", "diff", "codfw", name, "--full").out
    vault.run("deploy", "staging", name)

    _quote(vault)
    _fail(vault)
    vault.run("deploy", "status", "staging", name)
    for form in (["--explain"], ["-o", "json"], ["--unused"], ["secrets", "--explain"]):
        vault.run("deploy", "values", "staging", name, *form)
    vault.run("deploy", "test", "staging", name)
    vault.run("deploy", "restart", "staging", name)
    vault.run("deploy", "rollback", "staging", name)
    service.commit("Change")
    for words in (["--all"], ["HEAD~1"], ["HEAD~1", "--format", "json"]):
        vault.run("review-charts", *words)
    vault.run("deploy", "cluster", "staging")
    vault.run("deploy", "remove", "staging", name, "--yes")


def _fail(vault: _Vault) -> None:
    """Pods that tell the secret as they crash, and pods that crash as they are looked at."""
    service = vault.service
    logs = {"sandbox.deploycharts/logs": str(vault.log)}
    service.annotate("values-staging.yaml", **logs)
    service.fault("crash")
    failed = vault.run("deploy", "staging", service.name, code=6)
    assert "cannot log in with <secret " in failed.err, failed.err
    service.heal()
    service.break_pods("staging", "main")
    vault.run("deploy", "status", "staging", service.name, "-o", "json")


def _quote(vault: _Vault) -> None:
    """Secrets at which YAML, helm's schema, a template and the API server object."""
    name, file = vault.service.name, vault.private
    for text in (
        f'secrets:\n  env: {{API_KEY: "{vault.second}\n',
        f"secrets:\n  env:\n    API_KEY: {vault.second}\n   OTHER: {vault.second}\n",
        f"secrets:\n  env:\n    API_KEY: &a {vault.second}\n    B: *{vault.second}\n",
        f"secrets: {vault.second}\n",
        f"{vault.second}\n",
        f"secrets:\n  env:\n    API_KEY: [{vault.second}]\n",
        f"replicas: {vault.second}\n",
        f"name: {vault.second}.{vault.second}\n",
    ):
        file.write_text(text)
        vault.run("deploy", "diff", "staging", name, code=1)
        vault.run("deploy", "values", "staging", name, "--explain", code=None)
    vault.keep(vault.second)
    kept = vault.template.read_text()
    vault.template.write_text(kept + "{{ fail .Values.secrets.env.API_KEY }}\n")
    vault.run("deploy", "diff", "staging", name, code=1)
    vault.template.write_text(kept + "---\nkind: {{ .Values.secrets.env.API_KEY | b64enc }}: x\n")
    vault.run("deploy", "diff", "staging", name, code=1)
    label = "type: {{ .Values.secrets.env.API_KEY | quote }}\nimmutable: x\n"
    vault.template.write_text(kept + label)
    vault.run("deploy", "diff", "staging", name)
    vault.run("deploy", "staging", name, code=4)
    vault.template.write_text(kept)


def _helms(watch: ProcessWatch) -> set[str]:
    return {" ".join(each.split()[:2]) for each in watch.programs if each.startswith("helm ")}


def _unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex}"


def _token(kubeconfig: Path) -> str:
    """The part of a token that is its own: all begin alike."""
    token = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    return str(token)[-40:]
