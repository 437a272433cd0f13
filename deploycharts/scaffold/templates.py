"""From answers to files. The only importer of cookiecutter."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from deploycharts.errors import UserError
from deploycharts.scaffold import limits, masking, names, questions, settings, sizes
from deploycharts.scaffold.apply import is_executable
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.tree import Tree, chart_folder, registry_entry, service_folder

FOLDER = "chart-templates"
_PROJECT = "<@cookiecutter.name@>"
_MARKS = re.compile(r"<[@%#]|[@%#]>")
_LAYERS = {
    "service": ("entry", "shared", "running", "service"),
    "worker": ("entry", "shared", "running", "worker"),
    "cronjob": ("entry", "shared", "features/cronjobs"),
    "custom": ("entry", "custom"),
}


_RUNTIMES = ("php", "java")
"""Languages whose charts have something of their own."""


class Templates:
    """The templates in one folder: the working tree's, or those of an older state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def version(self) -> str:
        """The templates' own version number."""
        return (self.folder / "version").read_text().strip()

    @property
    def _always(self) -> Collection[str]:
        """Features whose files are there even if they are off; in older templates none."""
        return limits.SWITCHES if (self.folder / settings.FILE).is_file() else ()

    def render(self, answers: Answers, *, only: Sequence[str] = ()) -> Tree:
        """All files of a service, by their path in the repository.

        Args:
            answers: what the service shall be.
            only: the layers to render, all of the service if empty.

        Raises:
            UserError: a template is broken or leaves a placeholder.
        """
        with tempfile.TemporaryDirectory(prefix="create-new-service-") as folder:
            work = Path(folder)
            for layer in only or layers(answers, always=self._always):
                self._lay(layer, work / "template")
            made = self._generate(work, self._context(answers))
            files = dict(_read(made))
            executable = {_place(path, answers) for path in files if is_executable(made / path)}
        placed = {_place(path, answers): text for path, text in files.items()}
        _refuse_placeholders(placed)
        shown = {path: masking.unmask(text) for path, text in sorted(placed.items()) if path}
        return Tree(shown, executable)

    def _lay(self, layer: str, template: Path) -> None:
        """Add a layer to the template: its files, and its parts, which other files include."""
        parts = template / "templates"
        for source, target in (
            (self.folder / layer / _PROJECT, template / _PROJECT),
            (self.folder / layer / "parts", parts),
            (self.folder / layer / "parts", parts / "parts" / layer),
        ):
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)

    def _context(self, answers: Answers) -> dict[str, Any]:
        settings = json.loads((self.folder / "cookiecutter.json").read_text())
        repository, tag, digest = names.split_image(str(answers.get("image", "")))
        return {
            **settings,
            **dict.fromkeys(questions.BY_NAME),
            **masking.masked(answers),
            "chart": chart_of(answers),
            "image": {"repository": repository, "tag": tag, "digest": digest},
            "_version": self.version,
            "_layers": layers(answers, always=self._always),
            "_features": features(answers),
            "_shared_chart": bool(answers.get("chart")),
            **self._shared(answers),
        }

    def _shared(self, answers: Answers) -> dict[str, Any]:
        """What follows from the answers and the repository's settings."""
        own = settings.read(self.folder)
        versions = own.languages.get(str(answers.get("runtime")), {})
        default = next(iter(versions.values()), {})
        return {
            "_repository": own.raw,
            "_base": versions.get(str(answers.get("version")), default),
            "_quota": sizes.quota(answers, own.quotas),
            "_calls": sizes.calls(answers),
            "_sidecars": {
                name: own.sidecars[name]
                for name in cast("list[str]", answers.get("containers") or [])
                if name in own.sidecars
            },
        }

    def _generate(self, work: Path, context: Mapping[str, Any]) -> Path:
        from cookiecutter.exceptions import CookiecutterException
        from cookiecutter.generate import generate_files
        from jinja2 import TemplateError

        try:
            made = generate_files(
                work / "template", {"cookiecutter": context}, work / "out", accept_hooks=False
            )
        except TemplateError as error:
            where = f"{FOLDER}/…/{getattr(error, 'filename', None) or ''}"
            raise UserError("a chart template is broken", where=where, why=str(error)) from None
        except CookiecutterException as error:
            why = str(getattr(error, "error", error)) or str(error)
            raise UserError("a chart template is broken", where=FOLDER, why=why) from None
        return Path(made)


def layers(answers: Answers, *, always: Collection[str] = limits.SWITCHES) -> tuple[str, ...]:
    """The template folders that make up the service, later ones over earlier ones."""
    chosen = tuple(f"features/{name}" for name in features(answers, always))
    own = tuple(name for name in _RUNTIMES if answers.get("runtime") == name)
    return (*_LAYERS[str(answers["kind"])], *own, *chosen)


def features(answers: Answers, always: Collection[str] = limits.SWITCHES) -> tuple[str, ...]:
    """The features whose files the chart has: what is chosen, and what can be switched off."""
    return tuple(
        name for name in questions.FEATURES
        if answers.get(name)
        or (name in always and name in answers)
        or (name == "cronjobs" and always and answers.get("runtime") == "php")
    )  # fmt: skip


def chart_of(answers: Answers) -> str:
    """The chart that the service uses."""
    return str(answers.get("chart") or answers["name"])


def digest(tree: Tree) -> str:
    """A fingerprint of rendered files."""
    body = json.dumps(dict(sorted(tree.items())), ensure_ascii=False)
    if tree.executable:
        body += json.dumps(sorted(tree.executable), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(body.encode()).hexdigest()


def _read(folder: Path) -> Iterable[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            if text.strip():  # a template that renders to nothing makes no file
                yield path.relative_to(folder).as_posix(), text


def _place(path: str, answers: Answers) -> str:
    top, _, rest = path.partition("/")
    if top == "chart":
        return "" if answers.get("chart") else f"{chart_folder(chart_of(answers))}/{rest}"
    if top == "service":
        return f"{service_folder(str(answers['name']))}/{rest}"
    if top == "source":
        return rest
    if top == "cluster":
        return registry_entry(str(answers["name"]))
    raise UserError(f"a template is in no known place: {path}", where=FOLDER)


def _refuse_placeholders(tree: Mapping[str, str]) -> None:
    for path, text in tree.items():
        for number, line in enumerate(text.splitlines(), 1):
            if _MARKS.search(line):
                raise UserError(
                    "a placeholder is left over", where=f"{path}:{number}", why=line.strip()
                )
