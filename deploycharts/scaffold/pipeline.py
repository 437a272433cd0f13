"""`--source-dir`: files for the service's own source repository; nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.templates import Templates

LAYER = "pipeline"


def check(folder: Path) -> None:
    """Refuse a folder that is not there.

    Raises:
        UserError: it is no folder.
    """
    if not folder.is_dir():
        raise UserError("the source repository is no folder", where=folder)


def write(templates: Path, answers: Answers, folder: Path) -> dict[str, str]:
    """Write the pipeline files into `folder`; what happened to each of them."""
    made = Templates(templates).render(answers, only=(LAYER,))
    done = {}
    for path, text in made.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            done[path] = "is there already, and stays"
        else:
            if path in made.executable:
                target.chmod(target.stat().st_mode | 0o111)
            done[path] = "written"
    return done
