"""What a chart remembers of its making: template, version, fingerprint and answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from deploycharts import documents
from deploycharts.errors import UserError
from deploycharts.scaffold import conflicts
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.tree import Tree, chart_folder, service_folder
from deploycharts.source import Source

FILE = ".scaffold.yaml"


@dataclass(frozen=True, slots=True)
class Record:
    """How the files of a service were made.

    Attributes:
        template: the kind of service.
        version: the templates' version.
        tree: git's name of the templates' folder in that state.
        rendered: fingerprint of the files as they were made.
        answers: the answers they were made from.
    """

    template: str
    version: str
    tree: str
    rendered: str
    answers: Answers

    def to_yaml(self) -> str:
        """The record's file."""
        lines = [
            "# How these files were made: create-new-service --check and --update read it.",
            f"template: {self.template}",
            f"version: {self.version}",
            f"tree: {self.tree}",
            f"rendered: {self.rendered}",
            "answers:",
        ]
        for key, value in self.answers.items():
            lines.append(f"  {key}: {json.dumps(value, ensure_ascii=False)}")
        return "\n".join(lines) + "\n"


def path_of(answers: Answers) -> str:
    """Where the record of a service is: in its own chart, else in its folder."""
    name, chart = str(answers["name"]), str(answers.get("chart") or "")
    return f"{service_folder(name) if chart else chart_folder(name)}/{FILE}"


def with_record(tree: Tree, made: Record) -> Tree:
    """The files of a service together with their record."""
    return tree.with_texts({path_of(made.answers): made.to_yaml()})


def read(path: Path, shown: str) -> Record:
    """The record in a file.

    Raises:
        UserError: it is not readable or not complete.
    """
    return read_text(path.read_text(encoding="utf-8"), shown)


def read_text(text: str, shown: str) -> Record:
    """The record that a file's text is.

    Raises:
        UserError: it is not complete.
        Unresolved: a merge left conflicts in it.
    """
    marked = conflicts.in_text(text, shown)
    if marked is not None:
        conflicts.refuse(shown.split("/")[-2], [marked])
    body = documents.load(text, Source(shown))
    if not isinstance(body, dict):
        raise UserError("this record is not a mapping", where=Source(shown))
    answers = body.get("answers")
    texts = {key: str(body.get(key, "")) for key in ("template", "version", "tree", "rendered")}
    missing = [key for key, value in texts.items() if not value]
    if missing or not isinstance(answers, dict):
        raise UserError(
            "this record is not complete", where=Source(shown),
            why=f"missing: {', '.join(missing or ['answers'])}",
        )  # fmt: skip
    return Record(**texts, answers=cast(Answers, answers))
