"""The repository: charts, services in three environments, and its history of one commit."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lifelike.charts import chart_files, mesh_helper

CHECKOUT = Path(__file__).parents[3]
ENVIRONMENTS = ("staging", "codfw", "eqiad")
CHARTS, MESHED, SERVICES, SHARED_CHARTS, CANARIES = 100, 50, 70, 5, 11
HELPER = "templates/vendor/_mesh.tpl"


@dataclass(frozen=True)
class Case:
    """One way to render: a release of a service, or a chart with a fixture."""

    name: str
    release: str
    chart: str
    layers: tuple[str, ...]


def chart_name(number: int) -> str:
    """Chart number 0 to 99; the first 50 carry the shared helper."""
    return f"chart-{number:02d}"


def service_name(number: int) -> str:
    """Service number 0 to 69."""
    return f"service-{number:02d}"


def chart_of(service: int) -> str:
    """The chart of a service: a third of the services share five charts."""
    if service % 3 == 0:
        return chart_name(service % SHARED_CHARTS)
    return chart_name(SHARED_CHARTS + service)


def releases_of(service: int) -> tuple[str, ...]:
    """Some services have a canary."""
    return ("canary", "main") if service < CANARIES else ("main",)


def build(root: Path) -> None:
    """Write the repository and commit it on its main branch."""
    for number in range(CHARTS):
        files = chart_files(chart_name(number), is_meshed=number < MESHED, seed=number)
        _write(root / "charts" / chart_name(number), files)
    source = CHECKOUT / "helmfile.d"
    shutil.copytree(source / "defaults", root / "helmfile.d" / "defaults")
    for name in ("environments.yaml", "release.yaml.gotmpl"):
        shutil.copy(source / name, root / "helmfile.d" / name)
    for number in range(SERVICES):
        _write(root / "helmfile.d" / "services" / service_name(number), _service_files(number))
    for words in (
        ["init", "-q", "-b", "main"], ["add", "--all"],
        ["-c", "user.name=bench", "-c", "user.email=bench@example.org",
         "commit", "-q", "-m", "Begin"],
    ):  # fmt: skip
        subprocess.run(["git", *words], cwd=root, check=True)


def change_helper(root: Path, timeout: int) -> None:
    """Change a line of the helper in all charts that carry it, as a mass update does."""
    for number in range(MESHED):
        chart = root / "charts" / chart_name(number)
        (chart / HELPER).write_text(mesh_helper(timeout))
        described = (chart / "Chart.yaml").read_text()
        (chart / "Chart.yaml").write_text(
            re.sub(r"(?m)^version: 0\.(\d+)\.\d+$", rf"version: 0.\1.{timeout}", described)
        )


def change_service(root: Path, number: int, replicas: int) -> None:
    """Change a value of one service."""
    file = root / "helmfile.d" / "services" / service_name(number) / "values.yaml"
    file.write_text(file.read_text().replace("replicas: 3", f"replicas: {replicas}"))


def cases_on(charts: frozenset[str]) -> Iterator[Case]:
    """All cases that these charts are part of."""
    for chart in sorted(charts):
        yield Case(f"{chart}-defaults", "defaults", chart, ())
        for fixture in ("egress", "cronjobs", "ingress", "secrets"):
            yield Case(
                f"{chart}-{fixture}", fixture, chart, (f"charts/{chart}/fixtures/{fixture}.yaml",)
            )
    for number in range(SERVICES):
        if chart_of(number) in charts:
            for environment in ENVIRONMENTS:
                for release in releases_of(number):
                    yield _release_case(number, environment, release)


def _release_case(number: int, environment: str, release: str) -> Case:
    folder = f"helmfile.d/services/{service_name(number)}"
    names = (
        "values.yaml", "private.example.yaml", f"values-{environment}.yaml",
        f"values-{release}.yaml",
    )  # fmt: skip
    has = _service_files(number)
    layers = [f"{folder}/{name}" for name in names if name in has]
    return Case(
        f"{service_name(number)}-{environment}-{release}", release, chart_of(number),
        (f"helmfile.d/defaults/{environment}.yaml", *layers),
    )  # fmt: skip


def _service_files(number: int) -> dict[str, str]:
    dice = random.Random(1000 + number)  # noqa: S311 (no secret is made of it)
    name, chart = service_name(number), chart_of(number)
    releases = " ".join(f'"{release}"' for release in releases_of(number))
    files = {
        "helmfile.yaml.gotmpl": (
            "bases:\n  - ../../environments.yaml\n---\n"
            f'{{{{ $service := dict "name" "{name}" "chart" "{chart}" '
            f'"releases" (list {releases}) }}}}\n'
            '{{ tpl (readFile "../../release.yaml.gotmpl") '
            '(dict "service" $service "environment" .Environment) }}\n'
        ),
        "service.yaml": f"description: Service number {number}\ncontact: team@example.org\n",
        "values.yaml": (
            f"name: {name}\ntag: 2.{dice.randrange(99)}.0\nreplicas: 3\nconfig:\n  public:\n"
            f"    LOG_LEVEL: info\n    REGION: somewhere-{dice.randrange(9)}\n"
        ),
        "private.example.yaml": "config:\n  private:\n    token: dummy-token-of-this-service\n",
        "values-staging.yaml": "replicas: 1\n",
    }
    if dice.random() < 0.5:
        files["values-eqiad.yaml"] = f"replicas: {dice.randrange(4, 9)}\n"
    if number < CANARIES:
        files["values-canary.yaml"] = "replicas: 1\n"
    return files


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
