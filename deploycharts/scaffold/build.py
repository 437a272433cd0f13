"""All files of a service: what the templates give, and what is made from that."""

from __future__ import annotations

from pathlib import Path

from deploycharts import documents
from deploycharts.scaffold import gittree, record, templates, valuesdoc
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.templates import Templates
from deploycharts.scaffold.tree import Tree, chart_folder
from deploycharts.source import Source


def build(folder: Path, answers: Answers) -> Tree:
    """The files of a service as the templates in `folder` make them, with their record.

    Raises:
        UserError: a template is broken.
    """
    made = Templates(folder)
    tree = _complete(made.render(answers), folder, answers)
    remembered = record.Record(
        template=str(answers["kind"]),
        version=made.version,
        tree=gittree.digest(folder),
        rendered=templates.digest(tree),
        answers=answers,
    )
    return record.with_record(tree, remembered)


def _complete(tree: Tree, folder: Path, answers: Answers) -> Tree:
    """The tree with the chart's schema, and the table of values in its README."""
    chart = chart_folder(templates.chart_of(answers))
    values = tree.get(f"{chart}/values.yaml")
    if values is None:
        return tree
    path = folder / "schema.yaml"
    constraints = documents.load(path.read_bytes(), Source(str(path)))
    assert isinstance(constraints, dict)
    title = f"Values of the chart {templates.chart_of(answers)}"
    readme = tree[f"{chart}/README.md"].replace("(values)\n", valuesdoc.table(values))
    return tree.with_texts(
        {
            f"{chart}/README.md": readme,
            f"{chart}/values.schema.json": valuesdoc.schema(values, constraints, title),
        }
    )
