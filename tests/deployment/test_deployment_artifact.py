"""What counts as the same artifact in two environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploycharts.deployment.artifact import artifact_id
from deploycharts.rendering.release import evaluate
from deploycharts.rendering.render import render
from tests.services import Deployable

pytestmark = pytest.mark.slow


def _artifacts(service: Deployable, *environments: str) -> set[str]:
    repository = service.repository
    return {
        artifact_id(rendered)
        for name in environments
        for rendered in render(
            evaluate(repository, repository.service(service.name), repository.environment(name))
        )
        if rendered.release.target.release == "main"
    }


def test_environments_differ_in_their_own_layers_only(tmp_path: Path) -> None:
    service = Deployable(tmp_path, None)
    service.write("values-staging.yaml", {"replicas": 1})

    assert len(_artifacts(service, "staging", "codfw", "eqiad")) == 1


def test_another_common_value_image_or_chart_is_another_artifact(tmp_path: Path) -> None:
    service = Deployable(tmp_path, None)
    seen = _artifacts(service, "staging")

    service.greet("good day")
    seen |= _artifacts(service, "staging")
    service.write("values-staging.yaml", {"image": {"tag": "9.9.9"}})
    seen |= _artifacts(service, "staging")
    template = service.root / "charts" / "echoserver" / "templates" / "service.yaml"
    template.write_text(template.read_text() + "# edited\n")
    seen |= _artifacts(service, "staging")

    assert len(seen) == 4


def test_a_service_that_is_called_like_an_environment_has_common_layers(tmp_path: Path) -> None:
    service = Deployable(tmp_path, None, name="staging-proxy")
    before = _artifacts(service, "staging")

    service.greet("good day")

    assert _artifacts(service, "staging") != before
