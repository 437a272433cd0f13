"""A small repository under git, and reviews of what is edited in it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploycharts.changes.model import Fold, show_path
from deploycharts.review.model import Review
from deploycharts.review.run import review

CHECKOUT = Path(__file__).parents[2]
SERVICES = "helmfile.d/services"

_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "name" . }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ include "name" . }}}}
  template:
    metadata: {labels: {app: {{ include "name" . }}}}
    spec:
      containers:
        - name: first
          image: "registry.example/app:{{ .Values.tag }}"
          env:
          {{- range $key, $value := .Values.env }}
            - {name: {{ $key }}, value: {{ $value | quote }}}
          {{- end }}
"""
_SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: {{ include "name" . }}}
stringData: {token: {{ .Values.token | quote }}}
"""
_HELPERS = '{{- define "name" -}}{{ .Values.name }}-{{ .Release.Name }}{{- end }}\n'
_VALUES = {"name": "app", "replicas": 1, "tag": "1.0", "env": {"LEVEL": "info"}, "token": ""}


class Repo:
    """A deployment-charts repository with a chart and a service, both named web, committed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        source = CHECKOUT / "helmfile.d"
        shutil.copytree(source / "defaults", root / "helmfile.d" / "defaults")
        for name in ("environments.yaml", "release.yaml.gotmpl"):
            shutil.copy(source / name, root / "helmfile.d" / name)
        self.chart("web")
        self.service("web")
        self.git("init", "-q", "-b", "main")
        self.commit()

    def chart(self, name: str, **files: str) -> None:
        """Add a chart."""
        self.write(f"charts/{name}/Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
        self.write(f"charts/{name}/values.yaml", yaml.safe_dump({**_VALUES, "name": name}))
        self.write(f"charts/{name}/templates/_helpers.tpl", _HELPERS)
        self.write(f"charts/{name}/templates/deployment.yaml", _DEPLOYMENT)
        self.write(f"charts/{name}/templates/secret.yaml", _SECRET)
        for file, text in files.items():
            self.write(f"charts/{name}/templates/{file}.yaml", text)

    def service(self, name: str, *, chart: str = "web", releases: str = '"main"') -> None:
        """Add a service on the usual layers."""
        self.write(
            f"{SERVICES}/{name}/helmfile.yaml.gotmpl",
            "bases:\n  - ../../environments.yaml\n---\n"
            f'{{{{ $service := dict "name" "{name}" "chart" "{chart}" '
            f'"releases" (list {releases}) }}}}\n'
            '{{ tpl (readFile "../../release.yaml.gotmpl") '
            '(dict "service" $service "environment" .Environment) }}\n',
        )
        self.values(name, {"name": name, "replicas": 2})

    def hand_written(self, name: str, state: str, *, file: str = "helmfile.yaml") -> None:
        """Add a service with a state file of its own making."""
        self.write(f"{SERVICES}/{name}/{file}", state)

    def values(self, service: str, values: Mapping[str, Any], file: str = "values.yaml") -> None:
        """Write a layer of a service."""
        self.write(f"{SERVICES}/{service}/{file}", yaml.safe_dump(dict(values)))

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        text = (self.root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    def git(self, *words: str) -> str:
        """Run git."""
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
            cwd=self.root, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    def commit(self) -> str:
        """Commit everything and return the commit."""
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "Change", "--allow-empty")
        return self.git("rev-parse", "HEAD").strip()

    def review(self, words: str | None = None, *, everything: bool = False) -> Review:
        """Review what was edited since the last commit, or a range."""
        return review(self.root, words, everything=everything)

    def reviewed_both_ways(self) -> Review:
        """The review, which must find the same when it renders everything."""
        found, whole = self.review(), self.review(everything=True)
        assert changes(found) == changes(whole)
        assert whole.broken_claims == ()
        return found


def changes(found: Review, *, of_fixtures: bool = False) -> set[str]:
    """What changes where: `eqiad web/main: Deployment spec.replicas 2 -> 3`."""
    return {
        f"{target}: {_told(each)}"
        for each in found.folds
        if each.fact is None
        for target in each.targets
        if (target.environment == "fixtures") == of_fixtures
    }


def _told(each: Fold) -> str:
    change = each.change
    values = "" if not change.path else f" {change.old} -> {change.new}"
    path = show_path(change.path) or change.op.value
    return f"{change.object.kind} {path}{values}"
