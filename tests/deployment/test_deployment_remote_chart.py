"""Services whose chart comes from a chart repository, pinned by version."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.services import Deployable, Make

pytestmark = [pytest.mark.sandbox, pytest.mark.thorough]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


class ChartRepository:
    """A chart repository as a web server has it: archives and an index of them."""

    def __init__(self, folder: Path, service: Deployable) -> None:
        self.folder = folder
        self._service = service
        handler = functools.partial(_Quiet, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> ChartRepository:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def publish(self, chart: Path, version: str) -> None:
        """Package the chart as it is now, and name it in the index."""
        for words in (
            ("package", str(chart), "--version", version, "--destination", str(self.folder)),
            ("repo", "index", str(self.folder), "--url", self.url),
        ):
            ended = self._service.run("helm", *words)
            assert ended.code == 0, ended.err


@pytest.fixture
def service(make: Make) -> Deployable:
    return make("staging")


@pytest.fixture
def repository(
    service: Deployable, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ChartRepository]:
    with ChartRepository(tmp_path_factory.mktemp("charts"), service) as found:
        found.publish(service.root / "charts" / "echoserver", "1.2.3")
        yield found


def _take_from(repository: ChartRepository, service: Deployable, version: str) -> None:
    """Let the service's chart come from the repository, in a version."""
    state = service.folder / "helmfile.yaml.gotmpl"
    head, _, releases = state.read_text().partition("---\n")
    listed = f"repositories:\n  - name: far\n    url: {repository.url}\n"
    state.write_text(f"{head}---\n{listed}{releases}")
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    local = "    chart: ../../../charts/{{ $.service.chart }}\n"
    far = f"    chart: far/{{{{ $.service.chart }}}}\n    version: {version}\n"
    template.write_text(template.read_text().replace(local, far))


def test_it_is_deployed_as_published(service: Deployable, repository: ChartRepository) -> None:
    _take_from(repository, service, "1.2.3")

    planned = service.deploy("diff", "staging")
    deployed = service.deploy("staging")
    again = service.deploy("staging")

    assert planned.code == 0, planned.err
    assert deployed.code == 0, deployed.err
    assert again.err.count("nothing to do") == 2
    chart = service.helm("staging", "list", "-o", "json").json[0]["chart"]
    assert chart == "echoserver-1.2.3"


def test_a_new_version_is_an_upgrade_and_the_way_back_needs_no_repository(
    service: Deployable, repository: ChartRepository
) -> None:
    _take_from(repository, service, "1.2.3")
    assert service.deploy("staging").code == 0
    _change_chart(service)
    repository.publish(service.root / "charts" / "echoserver", "1.3.0")

    pinned = service.deploy("staging")
    _pin(service, "1.2.3", "1.3.0")
    upgraded = service.deploy("staging")
    (repository.folder / "index.yaml").unlink()
    back = service.deploy("rollback", "staging")

    assert pinned.err.count("nothing to do") == 2
    assert upgraded.code == 0, upgraded.err
    assert "metadata.labels.published  + again" in upgraded.out
    assert back.code == 0, back.err
    assert "published" not in service.helm("staging", "get", "manifest", "main").out


def test_a_version_that_was_published_twice_makes_a_plan_stale(
    service: Deployable, repository: ChartRepository
) -> None:
    _take_from(repository, service, "1.2.3")
    plan = service.root / "a.plan"
    planned = service.run("deploy", "plan", "staging", service.name, "--out", str(plan))
    _change_chart(service)
    repository.publish(service.root / "charts" / "echoserver", "1.2.3")

    refused = service.run("deploy", "apply", str(plan))

    assert planned.code == 0, planned.err
    assert refused.code == 5, refused.err
    assert "far/echoserver 1.2.3 changed" in refused.err
    assert service.history("staging", "main") == []


def test_a_version_that_is_not_there_is_told(
    service: Deployable, repository: ChartRepository
) -> None:
    _take_from(repository, service, "9.9.9")

    refused = service.deploy("staging")

    assert refused.code == 1
    assert "the chart far/echoserver 9.9.9 cannot be fetched" in refused.err
    assert f"helm pull echoserver --repo {repository.url} --version 9.9.9" in refused.err


def test_a_chart_from_elsewhere_that_does_not_render_is_told(
    service: Deployable, repository: ChartRepository
) -> None:
    _take_from(repository, service, "1.2.3")
    service.write("values-staging.yaml", {"replicas": "many"})

    refused = service.deploy("diff", "staging")

    assert refused.code == 1
    assert f"services/{service.name}/values-staging.yaml:1: " in refused.err
    assert "does not render" in refused.err


def test_its_values_and_changes_are_explained(
    service: Deployable, repository: ChartRepository
) -> None:
    _take_from(repository, service, "1.2.3")
    service.commit("Take the chart from elsewhere")
    service.write("values-staging.yaml", {"replicas": 4})

    explained = service.deploy("values", "staging", "--explain")
    reviewed = service.run("review-charts", "HEAD")

    assert explained.code == 0, explained.err
    assert "replicas" in explained.out
    assert reviewed.code == 0, reviewed.out + reviewed.err
    assert "replicas" in reviewed.out


def _change_chart(service: Deployable) -> None:
    template = service.root / "charts" / "echoserver" / "templates" / "service.yaml"
    label = "  labels:\n    published: again\n"
    template.write_text(template.read_text().replace("  labels:\n", label, 1))


def _pin(service: Deployable, before: str, after: str) -> None:
    template = service.root / "helmfile.d" / "release.yaml.gotmpl"
    template.write_text(template.read_text().replace(f"version: {before}", f"version: {after}"))
