"""How many changes of a review name no cause, for edits of several kinds."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lifelike import repository

from deploycharts.changes.model import Certainty
from deploycharts.review.run import review

MOST_UNKNOWN = 0.1
SERVICE = "helmfile.d/services/service-06"
STATE = "helmfile.d/release.yaml.gotmpl"
MORE = "config: {public: {MORE: '1'}}"
TEMPLATE = "charts/*/templates/deployment.yaml"


@dataclass(frozen=True)
class Edit:
    """A text that is replaced in all files of a pattern."""

    files: str
    old: str
    new: str


EDITS: Mapping[str, tuple[Edit, ...]] = {
    "a line of a helper in 50 charts": (
        Edit("charts/*/templates/vendor/*.tpl", "default 5", "default 6"),
    ),
    "a line of one template": (
        Edit(TEMPLATE.replace("*", "chart-03"), "  selector:", "  paused: true\n  selector:"),
    ),
    "a line of all templates": (Edit(TEMPLATE, "memory: 200Mi", "memory: 210Mi"),),
    "a line of a chart's values": (
        Edit("charts/chart-01/values.yaml", "replicas: 2", "replicas: 7"),
    ),
    "a line of a service's values": (Edit(f"{SERVICE}/values.yaml", "info", "debug"),),
    "several lines of a service's values": (
        Edit(f"{SERVICE}/values.yaml", "info", "debug"),
        Edit(f"{SERVICE}/values.yaml", "replicas: 3", "replicas: 8\nport: 8001"),
        Edit(f"{SERVICE}/values.yaml", "tag: 2", "tag: 3"),
    ),
    "a default of an environment": (
        Edit("helmfile.d/defaults/eqiad.yaml", "environment:", f"{MORE}\nenvironment:"),
    ),
    "a layer that all services share": (
        Edit(STATE, "      - values.yaml\n", f"      - {MORE}\n      - values.yaml\n"),
    ),
    "a chart, its service and an environment at once": (
        Edit("charts/chart-01/templates/service.yaml", "spec:", "spec:\n  externalName: x"),
        Edit(f"{SERVICE}/values.yaml", "info", "debug"),
        Edit("helmfile.d/defaults/codfw.yaml", "environment:", "replicas: 6\nenvironment:"),
    ),
}


def main() -> int:
    missed = []
    with tempfile.TemporaryDirectory(prefix="causes-bench-") as name:
        root = Path(name, "repository")
        os.environ["DEPLOYCHARTS_CACHE"] = str(Path(name, "cache"))
        root.mkdir()
        repository.build(root)
        for kind, edits in EDITS.items():
            subprocess.run(["git", "checkout", "-q", "."], cwd=root, check=True)
            for edit in edits:
                carry_out(edit, root)
            known, unknown = count(root)
            share = unknown / max(1, known + unknown)
            if share > MOST_UNKNOWN or not known:
                missed.append(kind)
            sys.stdout.write(
                f"  {kind}: {known + unknown} changes, {share:.0%} without a known cause"
                f"{'  MISSED' if kind in missed else ''}\n"
            )
            sys.stdout.flush()
    return 1 if missed else 0


def carry_out(edit: Edit, root: Path) -> None:
    """Replace the text; the files are there and hold it."""
    files = [file for file in sorted(root.glob(edit.files)) if edit.old in file.read_text()]
    if not files:
        sys.exit(f"no {edit.files} holds {edit.old!r}")
    for file in files:
        file.write_text(file.read_text().replace(edit.old, edit.new))


def count(root: Path) -> tuple[int, int]:
    """How many changes name their cause, and how many do not."""
    found = [each for each in review(root).folds if each.fact is None]
    certain = [each for each in found if each.cause and each.cause.certainty != Certainty.UNKNOWN]
    return len(certain), len(found) - len(certain)


if __name__ == "__main__":
    sys.exit(main())
