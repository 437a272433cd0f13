"""What the templates can do beyond plain Jinja: write values that YAML reads back unchanged."""

from __future__ import annotations

import json
import re

from jinja2 import Environment
from jinja2.ext import Extension

from deploycharts import documents
from deploycharts.scaffold.masking import MASKS
from deploycharts.source import Source

_PLAIN = re.compile(r"[A-Za-z_][-._/A-Za-z0-9]*|[0-9]+(?:m|[KMGT]i)")


class Filters(Extension):
    """Filters that write YAML; cookiecutter loads this class by its name."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["quoted"] = quoted
        environment.filters["scalar"] = scalar
        environment.filters["tojson"] = written
        environment.filters["flow"] = flow


def quoted(text: object) -> str:
    """A double-quoted YAML string."""
    body = json.dumps(str(text), ensure_ascii=False)
    return "".join(c if c.isprintable() or c in MASKS else f"\\u{ord(c):04x}" for c in body)


def scalar(text: object) -> str:
    """A text as YAML: plain where every reader takes it for itself, else quoted."""
    body = str(text)
    is_plain = _PLAIN.fullmatch(body) and documents.load(body, Source("answer")) == body
    return body if is_plain else quoted(body)


def written(value: object) -> str:
    """Any value on one line: JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def flow(items: list[str]) -> str:
    """A YAML list of strings on one line."""
    return f"[{', '.join(quoted(item) for item in items)}]"
