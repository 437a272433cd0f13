"""Answers of an interrupted interview, kept for the next run in the user's state folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import cast

from deploycharts.scaffold.question import Answers


class Memory:
    """The answers given so far for one repository."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Answers:
        """What an interrupted run left; nothing if there is none, or it is not readable."""
        try:
            found = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return cast(Answers, found) if isinstance(found, dict) else {}

    def save(self, answers: Answers) -> None:
        """Keep the answers; a disk that is full does not stop the interview."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps(dict(answers)))
            temporary.chmod(0o600)
            temporary.replace(self.path)
        except OSError:
            return

    def forget(self) -> None:
        """The run is over."""
        self.path.unlink(missing_ok=True)


def of_repository(root: Path) -> Memory:
    """The memory of the repository at `root`."""
    import platformdirs

    state = platformdirs.user_state_path("deploycharts")
    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return Memory(state / "create-new-service" / f"{name}.json")
