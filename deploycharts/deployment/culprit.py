"""The lines that made one change of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploycharts.changes.compare import compare
from deploycharts.changes.model import Certainty, Change, Fold, Op, names
from deploycharts.changes.texts import read_hunks
from deploycharts.deployment.plan import Step
from deploycharts.documents import Document, Json
from deploycharts.errors import UserError
from deploycharts.registry.repository import Repository
from deploycharts.rendering.ablation import causes
from deploycharts.rendering.batch import render_many
from deploycharts.rendering.hunks import is_same_file
from deploycharts.rendering.influence import influences
from deploycharts.rendering.inputs import chart_inputs, declared
from deploycharts.rendering.provenance import Provenance, explain, texts
from deploycharts.rendering.release import Release, from_state
from deploycharts.rendering.remembered import unpack
from deploycharts.rendering.retried import Retried, moved
from deploycharts.rendering.trees import Tree
from deploycharts.rendering.trials import Spent
from deploycharts.source import Source
from deploycharts.target import Target
from deploycharts.tools import git, helmfile
from deploycharts.tools.workdir import private_folder

_MOST_RENDERS = 120
_MOST_VALUES = 160
_MOST_SOURCES = 3


@dataclass(frozen=True, slots=True)
class Search:
    """Looks for the lines behind changes of a step.

    Attributes:
        is_over: says when there is no more time.
    """

    repository: Repository
    step: Step
    is_over: Callable[[], bool]

    def sources(self, change: Change, whole: Change, commit: str) -> tuple[Source, ...]:
        """The lines that made `change`, a part of the step's change `whole`.

        Raises:
            UserError: something that is needed for it cannot be read.
        """
        found = self._against(commit, whole) if commit and change == whole else ()
        found = found or self._by_value(change)
        if not found and change != whole and commit:
            found = self._against(commit, whole)
        return found or self._by_text(change)

    @property
    def head(self) -> Path:
        """The files that were deployed: the repository, or a snapshot of it."""
        top = self.step.release.state_file.parents[3]
        return top if (top / "helmfile.d").is_dir() else self.repository.root

    def _against(self, commit: str, change: Change) -> tuple[Source, ...]:
        """By leaving out edits since a commit."""
        try:
            files = git.files_of(self.repository.root, commit)
        except UserError:
            return ()
        with private_folder("suspect", wait=False) as workdir:
            base = Tree(files, workdir.resolve() / "base", title=commit)
            changed = self._changed(base)
            if not changed:
                return ()
            fold = Fold(change, frozenset({self.step.target}), literal=True)
            difference = self.step.difference
            [found] = causes(
                base.root, self.head, changed, self._renderer(changed), [fold],
                known=lambda _: (difference.base, difference.head), budget=_MOST_RENDERS,
            )  # fmt: skip
        cause = found.cause
        if cause is None or cause.certainty is Certainty.UNKNOWN:
            return ()
        return cause.sources[:_MOST_SOURCES]

    def _changed(self, base: Tree) -> list[str]:
        """The files that can matter and differ; those of the base are laid out."""
        service = self.step.target.service
        chart = self.step.release.chart.path
        paths = set(declared(base, service).paths)
        if chart is not None and chart.is_relative_to(self.repository.root):
            inside = str(chart.relative_to(self.repository.root))
            paths |= chart_inputs(base, inside) | set(self._below(inside))
        paths |= set(self._below(f"helmfile.d/services/{service}"))
        paths = {path for path in paths if not Path(path).is_absolute()}
        base.require(paths)
        return sorted(
            path
            for path in paths
            if not (base.root / path).is_dir() and not (self.head / path).is_dir()
            if not is_same_file(base.root / path, self.head / path)
        )

    def _below(self, folder: str) -> Iterator[str]:
        for file in (self.head / folder).rglob("*"):
            if file.is_file():
                yield str(file.relative_to(self.head))

    def _renderer(self, changed: Sequence[str]) -> Callable[[Path, Target], Sequence[Document]]:
        root = self.repository.root
        head = self.step.release
        if self.head != root:
            head = moved(head, root, self.head)
        retried = Retried(self.head, changed, {self.step.target: head}, self._evaluate)

        def render(folder: Path, target: Target) -> tuple[Document, ...]:
            if self.is_over():
                raise Spent
            release = retried.release(folder, target)
            return () if release is None else self._render(release)

        return render

    def _render(self, release: Release) -> tuple[Document, ...]:
        [output] = render_many([release], cache=None)
        if output.error is not None:
            raise output.error
        documents = unpack(output.content, namespace=release.namespace)
        return self.step.place.mask.knowing(documents).documents(documents)

    def _evaluate(self, folder: Path, target: Target) -> Release | None:
        """Ask helmfile, with the secrets of the real environment."""
        environment = self.step.place.environment
        service = Repository(folder).service(target.service)
        private = str(environment.private_layer_of(target.service))
        with private_folder("state") as workdir:
            state = helmfile.read(
                service.state_file, environment.name, workdir=workdir, values={"private": private}
            )
        found = from_state(Repository(folder), service, environment, state)
        return next((each for each in found if each.target == target), None)

    def _by_value(self, change: Change) -> tuple[Source, ...]:
        """By changing values of now: those with which the field becomes another one.

        Those that the change tells of first; the others only where these are not it.
        """
        if not self.step.release.installed or self.is_over():
            return ()
        known = [e for e in explain(self.step.release, self.repository.root) if not e.is_deleted]
        telling = [each for each in known if _tells(each, change)]
        rest = [each for each in known if each not in telling][:_MOST_VALUES]
        for chosen in (telling, rest):
            found = [] if self.is_over() else self._making(change, chosen)
            new = [each for each in found if not _is_in(each, str(change.old or ""))]
            lines = [_line(each, change, self.head) for each in new or found]
            sources = tuple(dict.fromkeys(each for each in lines if each is not None))
            if sources:
                return sources[:_MOST_SOURCES]
        return ()

    def _making(self, change: Change, values: Sequence[Provenance]) -> list[Provenance]:
        """The values without which the field is another one."""
        if not values:
            return []
        pairs = [(each.key, each.value) for each in values]
        base, tried = influences(self.step.release, pairs)
        if base is None:
            return []
        target = self.step.target
        return [
            value
            for value, trial in zip(values, tried, strict=True)
            if trial.documents is not None
            and any(_is_at(one, change) for one in compare(target, base, trial.documents).changes)
        ]

    def _by_text(self, change: Change) -> tuple[Source, ...]:
        """By the one line of the object's template, or of a file of the chart, that says it."""
        chart = self.step.release.chart.path
        template = next(
            (d.template for d in self.step.difference.head if d.key == change.object), ""
        )
        if chart is None or not template:
            return ()
        inside = template.partition("/")[2]
        file = chart / inside
        shown = f"{self.repository.shown(chart)}/{inside}"
        lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
        for wanted in (*_texts(change), *(f"{name}:" for name in names(change.path)[-1:])):
            at = [number for number, line in enumerate(lines, 1) if wanted in line]
            if len(at) == 1:
                return (Source(shown, at[0]),)
        return (Source(shown),)


def _tells(each: Provenance, change: Change) -> bool:
    """Whether a value is in what the change says."""
    return not each.is_secret and _is_in(each, " ".join(_texts(change)))


def _is_in(each: Provenance, said: str) -> bool:
    return any(text in said for text in texts(each.value))


def _texts(change: Change) -> list[str]:
    if change.op is Op.PATCH:
        return [line.strip() for _, _, inserted in read_hunks(change.new) for line in inserted]
    value: Json = change.old if change.op is Op.REMOVE else change.new
    return sorted(texts(value), key=len, reverse=True)


def _is_at(one: Change, change: Change) -> bool:
    """Whether a change is at the place of another, or in it, or holds it."""
    if one.object != change.object:
        return False
    shorter = min(len(one.path), len(change.path))
    return one.path[:shorter] == change.path[:shorter]


def _line(each: Provenance, change: Change, root: Path) -> Source | None:
    """The line that sets a value; of a list the one that holds what the change says."""
    if each.winner is None or each.unknown:
        return None
    first, last = each.winner.source.line, each.winner.last_line
    if first is None or last is None or last <= first:
        return each.winner.source
    file = root / each.winner.source.path
    lines = (
        file.read_text(errors="replace").splitlines()[first - 1 : last] if file.is_file() else []
    )
    for wanted in _texts(change):
        at = [number for number, line in enumerate(lines, first) if wanted in line]
        if at:
            return replace(each.winner.source, line=at[-1])
    return each.winner.source
