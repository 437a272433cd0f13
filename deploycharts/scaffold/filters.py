"""What the templates can do beyond plain Jinja: write values that YAML reads back unchanged."""

from __future__ import annotations

import json

from jinja2 import Environment
from jinja2.ext import Extension


class Filters(Extension):
    """Filters `quoted` and `flow`; cookiecutter loads this class by its name."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["quoted"] = quoted
        environment.filters["flow"] = flow


def quoted(text: object) -> str:
    """A double-quoted YAML string."""
    return json.dumps(str(text), ensure_ascii=False)


def flow(items: list[str]) -> str:
    """A YAML list of strings on one line."""
    return f"[{', '.join(quoted(item) for item in items)}]"
