"""The cause of a change of what helmfile deploys: trials mostly do without helmfile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from deploycharts.changes.compare import compare
from deploycharts.changes.fold import fold
from deploycharts.changes.model import show_path
from deploycharts.documents import Document
from deploycharts.registry.repository import Repository
from deploycharts.rendering.ablation import causes
from deploycharts.rendering.release import Release, evaluate, pick
from deploycharts.rendering.render import render
from deploycharts.rendering.retried import Retried
from deploycharts.target import Target
from tests.services import Deployable

pytestmark = pytest.mark.slow


class Trees:
    """A service before and after an edit."""

    def __init__(self, root: Path) -> None:
        self.service = Deployable(root / "base", None)
        self.base = self.service.root
        self.head = root / "head"
        shutil.copytree(self.base, self.head)
        self.target = Target(self.service.name, "staging", "main")
        self.folder = f"helmfile.d/services/{self.service.name}"
        self.changed: list[str] = []
        self.evaluated = 0

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.head / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        self.changed.append(path)

    def add(self, path: str, text: str) -> None:
        (self.head / path).write_text(text)
        self.changed.append(path)

    def evaluate(self, tree: Path, target: Target) -> Release:
        self.evaluated += 1
        repository = Repository(tree)
        releases = evaluate(
            repository, repository.service(target.service),
            repository.environment(target.environment),
        )  # fmt: skip
        return pick(releases, target.release)[0]

    def retried(self) -> Retried:
        known = {self.target: self.evaluate(self.base, self.target)}
        self.evaluated = 0
        return Retried(self.base, self.changed, known, self.evaluate)

    def causes(self) -> dict[str, str]:
        retried = self.retried()

        def documents(tree: Path, target: Target) -> tuple[Document, ...]:
            release = retried.release(tree, target)
            return render([release])[0].documents if release else ()

        sides = [documents(tree, self.target) for tree in (self.base, self.head)]
        self.evaluated = 0
        folds = fold([compare(self.target, *sides)])
        found = causes(self.base, self.head, self.changed, documents, folds)
        return {
            f"{each.change.object.kind} {show_path(each.change.path)}": " ".join(
                [each.cause.certainty.value, *(str(one) for one in each.cause.sources)]
            )
            for each in found
            if each.cause is not None
        }


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path)


def test_edits_of_layers_templates_and_helpers_are_named(trees: Trees) -> None:
    values = f"{trees.folder}/values.yaml"
    body = yaml.safe_load((trees.head / values).read_text())
    trees.add(values, yaml.safe_dump({**body, "replicas": 3, "port": 8081}))
    template = "charts/echoserver/templates/deployment.yaml"
    trees.edit(template, "revisionHistoryLimit: 5", "revisionHistoryLimit: 6")
    trees.edit("charts/echoserver/templates/_base.tpl", "RuntimeDefault", "Localhost")

    found = trees.causes()

    lines = (trees.head / values).read_text().splitlines()
    port, replicas = lines.index("port: 8081") + 1, lines.index("replicas: 3") + 1
    assert found["Deployment spec.replicas"] == f"alone {values}:{replicas}"
    ports = [cause for change, cause in found.items() if "ort" in change]
    assert ports
    assert set(ports) == {f"alone {values}:{port}"}
    history = found["Deployment spec.revisionHistoryLimit"]
    assert history.startswith(f"alone {template}:")
    profiles = {cause for change, cause in found.items() if "seccompProfile" in change}
    assert {cause.partition(":")[0] for cause in profiles} == {
        "alone charts/echoserver/templates/_base.tpl"
    }
    assert trees.evaluated == 0


def test_a_layer_that_was_missing_is_asked_for_and_named(trees: Trees) -> None:
    layer = f"{trees.folder}/values-main.yaml"
    trees.add(layer, "# more\nreplicas: 5\n")

    assert trees.causes() == {"Deployment spec.replicas": f"alone {layer}:2"}
    assert trees.evaluated > 0


def test_a_state_file_is_asked_for(trees: Trees) -> None:
    state = f"{trees.folder}/helmfile.yaml.gotmpl"
    trees.edit(
        "helmfile.d/release.yaml.gotmpl", "    missingFileHandler: Debug",
        "    missingFileHandler: Debug\n    set:\n      - name: replicas\n        value: 4",
    )  # fmt: skip
    trees.edit(state, "bases:", "# bases\nbases:")

    found = trees.causes()

    [cause] = found.values()
    assert cause.startswith("alone helmfile.d/release.yaml.gotmpl:")


def test_a_retried_release_is_the_one_that_helmfile_gives(trees: Trees) -> None:
    trees.edit(f"{trees.folder}/values-canary.yaml", "replicas: 1", "replicas: 2")
    trees.edit("charts/echoserver/values.yaml", "user: 900", "user: 901")

    canary = Target(trees.service.name, "staging", "canary")
    known = {canary: trees.evaluate(trees.base, canary)}
    moved = Retried(trees.base, trees.changed, known, trees.evaluate).release(trees.head, canary)

    assert moved == trees.evaluate(trees.head, canary)
