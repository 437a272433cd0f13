"""A service that was deployed and then edited in many places, of which one is guilty."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import yaml

from deploycharts.changes.compare import compare
from deploycharts.changes.masking import Masker
from deploycharts.deployment.follow import follow_keys
from deploycharts.deployment.plan import Action, Difference, Place, Step
from deploycharts.rendering.release import evaluate, pick
from deploycharts.rendering.render import Rendered, render, secrets_of
from tests.deployment.suspect_cases import Edit
from tests.services import Deployable

_MIGRATE = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "base.fullname" . }}-migrate
  annotations: {helm.sh/hook: pre-upgrade}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: {{ include "base.image" . | quote }}
          args: {{ .Values.migrate.steps | toJson }}
"""
_LIMITS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ include "base.fullname" . }}-limits}
data:
  rate: "10"
  limits.conf: {{ .Files.Get "files/limits.conf" | quote }}
"""
_FROM_LIMITS = """\
            - name: RATE
              valueFrom:
                configMapKeyRef:
                  name: {{ include "base.fullname" . }}-limits
                  key: rate
          {{- with include "base.envFrom" . }}
"""


class Changed:
    """A service that was committed and deployed, then edited in several places."""

    def __init__(self, root: Path) -> None:
        self.service = Deployable(root, None)
        self.chart = root / "charts" / "echoserver"
        self._enrich()
        self._git("add", "--all")
        self._git("commit", "-q", "-m", "Begin")
        self.commit = self._git("rev-parse", "HEAD").strip()
        self.base = self.rendered().documents

    def edit(self, edit: Edit) -> str:
        """Make the guilty edit, and its `path:line`."""
        file = self._file(edit.file)
        text = file.read_text() if file.is_file() else ""
        assert edit.old in text
        edited = text.replace(edit.old, edit.new, 1) if edit.old else text + edit.new
        file.write_text(edited)
        told = edited if edit.guilty in edited else text  # what is gone has no line any more
        line = next(n for n, each in enumerate(told.splitlines(), 1) if edit.guilty in each)
        return f"{file.relative_to(self.service.root)}:{line}"

    def edit_innocently(self) -> None:
        """What else the deployment changes."""
        for file, old, new in (
            ("values.yaml", "LOG_LEVEL: info", "LOG_LEVEL: debug"),
            ("values.yaml", "GREETING: hello", "GREETING: good day"),
            (
                "chart:templates/deployment.yaml",
                "revisionHistoryLimit: 5",
                "revisionHistoryLimit: 6",
            ),
            ("chart:values.yaml", "drainSeconds: 25", "drainSeconds: 35"),
            ("chart:values.yaml", "periodSeconds: 10", "periodSeconds: 12"),
            ("chart:values.yaml", "podAnnotations: {}", "podAnnotations: {team: echo}"),
        ):
            path = self._file(file)
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new, 1))

    def rendered(self) -> Rendered:
        repository = self.service.repository
        found = evaluate(
            repository, repository.service(self.service.name), repository.environment("staging")
        )
        return render(pick(found, "main"))[0]

    def step(self) -> Step:
        """The step of the main release in staging."""
        head = self.rendered()
        release = head.release
        masker = Masker(secrets_of(release), secrets.token_bytes(32))
        masker = masker.knowing(self.base, head.documents)
        base, documents = masker.documents(self.base), masker.documents(head.documents)
        environment = self.service.repository.environment("staging")
        place = Place(
            release.target, release.namespace, environment, Path("none"),
            follow_keys(head.documents), masker,
        )  # fmt: skip
        difference = Difference(compare(release.target, base, documents), base, documents)
        return Step(place, Action.UPGRADE, release, 1, 1, difference)

    def restore(self) -> None:
        self._git("checkout", "-q", "--", ".")
        self._git("clean", "-fdq")

    def _file(self, name: str) -> Path:
        is_of_chart = name.startswith("chart:")
        folder = self.chart if is_of_chart else self.service.folder
        return folder / name.removeprefix("chart:")

    def _enrich(self) -> None:
        values = yaml.safe_load((self.service.folder / "values.yaml").read_text())
        values["config"]["env"]["UPSTREAM"] = "https://upstream.example"
        values["config"]["files"] = {"app.yaml": "port: 1\nworkers: 4\nqueue: 10\n"}
        text = yaml.dump(values, Dumper=_Blocks)
        (self.service.folder / "values.yaml").write_text(text)
        (self.chart / "values.schema.json").unlink()
        (self.chart / "files" / "limits.conf").write_text("burst = 20\nrate = 10\n")
        templates = self.chart / "templates"
        (templates / "migrate.yaml").write_text(_MIGRATE)
        (templates / "limits.yaml").write_text(_LIMITS)
        defaults = self.chart / "values.yaml"
        defaults.write_text(f"{defaults.read_text()}migrate:\n  steps: [check]\n")
        deployment = templates / "deployment.yaml"
        text = deployment.read_text()
        text = text.replace('          {{- with include "base.envFrom" . }}\n', _FROM_LIMITS)
        text = text.replace(
            "      volumes:\n",
            "      volumes:\n        - name: limits\n"
            '          configMap: {name: {{ include "base.fullname" . }}-limits}\n',
        )
        text = text.replace(
            "          volumeMounts:\n",
            "          volumeMounts:\n            - {name: limits, mountPath: /etc/limits}\n",
        )
        deployment.write_text(text)
        helper = templates / "_base.tpl"
        helper.write_text(
            helper.read_text().replace(
                'must be set" $image.tag }}', 'must be set" $image.tag }}{{ $image.suffix }}'
            )
        )

    def _git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        done = subprocess.run(
            command, cwd=self.service.root, check=True, capture_output=True, text=True
        )
        return done.stdout


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines as people do."""


def _text(dumper: _Blocks, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Blocks.add_representer(str, _text)
