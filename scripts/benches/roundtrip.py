"""Whether the JSON of a review of hundreds of units rebuilds the head's documents exactly."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from lifelike import repository

from deploycharts.changes.apply import apply
from deploycharts.changes.fold import unfold
from deploycharts.documents import Json
from deploycharts.report.jsonform import folds_from_json, render_json
from deploycharts.review.run import review

UNITS = 586
CHARTS = 84
EXTRA = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-extra"}
data: {notes: "for {{ .Values.name }}", size: "{{ .Values.replicas }}"}
"""


def main() -> int:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="roundtrip-bench-") as name:
        root = Path(name, "repository")
        os.environ["DEPLOYCHARTS_CACHE"] = str(Path(name, "cache"))
        root.mkdir()
        repository.build(root)
        edit(root)
        found = review(root)
    text = render_json(found.folds, found.consequences, environments=found.environments)
    back = {each.target: each for each in unfold(folds_from_json(json.loads(text)))}
    wrong = [
        str(each.unit.target)
        for each in found.differences
        if texts(apply(back[each.unit.target], each.base)) != texts(it.body for it in each.head)
    ]
    units = len(found.differences)
    sys.stdout.write(
        f"{units} units change, {len(text) / 2**20:.1f} MB of JSON; "
        f"{units - len(wrong)} of them rebuilt from it exactly, "
        f"in {time.perf_counter() - started:.1f} s\n"
    )
    sys.stdout.writelines(f"  WRONG {each}\n" for each in wrong[:10])
    return 1 if wrong or units < UNITS else 0


def texts(bodies: Iterable[Mapping[str, Json]]) -> list[str]:
    """The objects as JSON, in any order: helm sorts them anew."""
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


def edit(root: Path) -> None:
    """Changes of all sorts: of lists, texts, documents inside texts, whole objects."""
    repository.change_helper(root, 6)
    for number in range(CHARTS):
        templates = root / "charts" / repository.chart_name(number) / "templates"
        deployment = templates / "deployment.yaml"
        text = deployment.read_text().replace("memory: 200Mi", "memory: 210Mi")
        deployment.write_text(text.replace("drop: [ALL]", "drop: [ALL], add: [CHOWN]"))
        if number % 7 == 0:
            (templates / "service.yaml").unlink()
        if number % 11 == 0:
            (templates / "extra.yaml").write_text(EXTRA)


if __name__ == "__main__":
    sys.exit(main())
