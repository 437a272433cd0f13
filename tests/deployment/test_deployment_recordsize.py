"""The size of helm's record, against the helm that writes it."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from deploycharts.deployment.objections import RefusalKind
from deploycharts.deployment.recordsize import LIMIT, refusal
from deploycharts.documents import document
from deploycharts.rendering.release import ChartRef, Layer, Release
from deploycharts.rendering.render import Rendered
from deploycharts.source import Source
from deploycharts.target import Target


def _noise(size: int) -> str:
    return base64.b64encode(random.Random(size).randbytes(size * 3 // 4)).decode()


def rendered_chart(folder: Path, **files: str) -> Rendered:
    """A release of a chart with these files."""
    chart = folder / "charts" / "big"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: big, version: 0.1.0}")
    for name, text in files.items():
        (chart / name).write_text(text)
    layer = Layer(Source("values.yaml"), "file", secret=False, digest="", content=b"a: b\n")
    release = Release(
        target=Target("big", "staging", "main"), namespace="big",
        chart=ChartRef(str(chart), "", chart), layers=(layer,), missing=(), needs=(), labels={},
        hooked=False, installed=True, argv=(), folder=chart, fingerprint="", state_file=chart,
    )  # fmt: skip
    body = document({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "small"}})
    return Rendered(release, (body,))


def test_a_record_that_is_too_large_names_its_largest_files(tmp_path: Path) -> None:
    rendered = rendered_chart(tmp_path, fixture=_noise(LIMIT), small="x" * 100)

    found = refusal(rendered)

    assert found is not None
    assert found.kind is RefusalKind.TOO_LARGE
    assert found.object.name == "sh.helm.release.v1.main"
    assert str(found).endswith("(big/fixture (1.00 MiB))")


@pytest.mark.parametrize("fixture", ["y" * 3 * LIMIT, _noise(LIMIT // 2)])
def test_what_packs_well_or_is_half_as_large_fits(tmp_path: Path, fixture: str) -> None:
    assert refusal(rendered_chart(tmp_path, fixture=fixture)) is None


def test_what_helm_leaves_out_of_the_chart_does_not_count(tmp_path: Path) -> None:
    ignoring = rendered_chart(tmp_path, fixture=_noise(2 * LIMIT), **{".helmignore": "fixture\n"})

    assert refusal(ignoring) is None
