"""The JSON schema of answers files, from the questions. `python -m` of this module prints it."""

from __future__ import annotations

import json
from typing import Any

from deploycharts.scaffold.question import Question
from deploycharts.scaffold.questions import QUESTIONS

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "choice": {"type": "string"},
    "number": {"type": "integer"},
    "flag": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
}


def schema() -> str:
    """The schema, as its file has it."""
    body = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Answers for create-new-service --answers FILE",
        "type": "object",
        "additionalProperties": False,
        "properties": {question.name: _property(question) for question in QUESTIONS},
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _property(question: Question) -> dict[str, Any]:
    found = {"description": f"{question.text} {question.help}", **_TYPES[question.type]}
    if question.choices:
        found["enum"] = [name for name, _ in question.choices]
    if question.example:
        found["examples"] = [question.parse(question.example)]
    return found


if __name__ == "__main__":
    from deploycharts.console import console

    console.out(schema().rstrip())
