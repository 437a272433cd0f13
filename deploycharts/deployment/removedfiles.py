"""Which files of a repository go with a service, and which still name it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import Refused, UserError
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.rendering.release import evaluate
from deploycharts.tools import git

_TEXTS = frozenset({".yaml", ".yml", ".gotmpl", ".tpl"})


@dataclass(frozen=True, slots=True)
class Files:
    """What goes from the repository with a service.

    Attributes:
        paths: folders and files, relative to the repository's top.
        private: files with its secret values, which are outside git; they stay.
        naming: files that stay and name the service; somebody should look at them.
        undecided: why no chart goes although one may be the service's own; empty if that is known.
    """

    paths: tuple[Path, ...] = ()
    private: tuple[Path, ...] = ()
    naming: tuple[Path, ...] = ()
    undecided: str = ""

    def delete(self, root: Path) -> None:
        """Delete them in the repository at `root`; git still has what was committed."""
        for path in self.paths:
            whole = root / path
            if whole.is_dir() and not whole.is_symlink():
                shutil.rmtree(whole)
            else:
                whole.unlink(missing_ok=True)


def chosen_files(
    repository: Repository, environments: Sequence[Environment], service: Service
) -> Files:
    """The service's folder, its registry entry, and the charts that nobody else names.

    Raises:
        Refused: some of it has changes that are not committed.
    """
    root = repository.root
    entry = root / "helmfile.d" / "cluster" / "services" / f"{service.name}.yaml"
    charts, undecided = _own_charts(repository, environments, service)
    found = [service.folder, *([entry] if entry.is_file() else []), *charts]
    paths = tuple(path.relative_to(root) for path in found)
    _require_committed(root, paths)
    layers = {environment.private_layer_of(service.name) for environment in environments}
    private = (path for path in layers if path.is_file() and not _is_within(path, found))
    return Files(
        paths,
        tuple(sorted(private)),
        tuple(path.relative_to(root) for path in _naming(root, service.name, found)),
        undecided,
    )


def _require_committed(root: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if git.who_changed(root, "", str(path)):
            raise Refused(
                "this would go, and has changes that are not committed",
                where=path,
                why="what is committed can be brought back",
                next_step=f"git add {path} && git commit, or git stash",
            )


def _own_charts(
    repository: Repository, environments: Sequence[Environment], service: Service
) -> tuple[list[Path], str]:
    """The charts of the service that no other service and no other chart names."""
    charts = repository.root / "charts"
    try:
        used = {
            release.chart.path
            for environment in environments
            for release in evaluate(repository, service, environment)
        }
    except UserError as error:
        return [], f"its charts are not known, since {error.what}"
    mine = [path for path in used if path is not None and path.parent == charts]
    own = [path for path in sorted(mine) if not _is_named(repository, service, path)]
    return own, ""


def _is_named(repository: Repository, service: Service, chart: Path) -> bool:
    word = _word(chart.name)
    others = [
        *(path for name in repository.service_names if name != service.name
          for path in _texts(repository.service(name).folder)),
        *(path for path in chart.parent.glob("*/Chart.yaml") if path.parent != chart),
    ]  # fmt: skip
    return any(word.search(path.read_text(errors="replace")) for path in others)


def _naming(root: Path, name: str, gone: Sequence[Path]) -> Iterator[Path]:
    word = _word(name)
    for path in sorted([*_texts(root / "helmfile.d"), *_texts(root / "charts")]):
        if not _is_within(path, gone) and word.search(path.read_text(errors="replace")):
            yield path


def _texts(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in _TEXTS and path.is_file())


def _is_within(path: Path, folders: Sequence[Path]) -> bool:
    return any(path == folder or path.is_relative_to(folder) for folder in folders)


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
