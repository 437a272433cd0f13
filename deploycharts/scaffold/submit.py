"""`--branch`: one commit on a branch of its own, and how to hand it to reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.tools import process


def check(root: Path) -> None:
    """Refuse early where no commit could be made.

    Raises:
        UserError: the repository is not git's, or git does not know who commits.
    """
    if _git(root, "rev-parse", "--git-dir").code != 0:
        raise UserError("--branch needs a git repository", where=root, next_step="git init")
    if _git(root, "var", "GIT_AUTHOR_IDENT").code != 0:
        raise UserError(
            "git does not know who you are",
            next_step='git config user.name "…" and git config user.email "…"',
        )


def refuse_existing(root: Path, service: str) -> None:
    """Refuse a branch that exists.

    Raises:
        UserError: it does.
    """
    name = branch_name(service)
    if _git(root, "rev-parse", "--verify", "--quiet", f"refs/heads/{name}").code == 0:
        raise UserError(f"the branch {name} exists", next_step=f"git branch -m {name} OTHER")


def branch_name(service: str) -> str:
    """The branch of a new service."""
    return f"new-service-{service}"


def commit(root: Path, service: str, description: str, paths: Sequence[str]) -> list[str]:
    """Commit exactly the paths on a new branch; the lines that tell how to submit it.

    Raises:
        UserError: git refuses; the files stay where they are.
    """
    name = branch_name(service)
    message = f"Add the service {service}\n\n{description}\n\nMade by create-new-service."
    for words in (
        ["switch", "--quiet", "--create", name],
        ["add", "--", *paths],
        ["commit", "--quiet", "--message", message, "--", *paths],
    ):
        done = _git(root, *words)
        if done.code != 0:
            raise UserError(
                f"git {words[0]} failed; the files are there, not committed",
                why=(done.err or done.out).strip(), next_step=done.command_line,
            )  # fmt: skip
    return [f"committed to the branch {name}; submit it:", *(f"  {x}" for x in _submit(root, name))]


def _submit(root: Path, branch: str) -> list[str]:
    if (root / ".gitreview").is_file():
        return ["git review"]
    remotes = _git(root, "remote").out.split()
    if not remotes:
        return ["git remote add origin URL", f"git push --set-upstream origin {branch}"]
    remote = "origin" if "origin" in remotes else remotes[0]
    url = _git(root, "remote", "get-url", remote).out.strip().lower()
    push = f"git push --set-upstream {remote} {branch}"
    if "gerrit" in url or ":29418" in url:
        main = _main_branch(root, remote)
        return [f"git push {remote} HEAD:refs/for/{main}"]
    if "github" in url:
        return [push, "gh pr create --fill"]
    if "gitlab" in url:
        return [f"git push --set-upstream -o merge_request.create {remote} {branch}"]
    return [push]


def _main_branch(root: Path, remote: str) -> str:
    head = _git(root, "symbolic-ref", "--short", f"refs/remotes/{remote}/HEAD").out.strip()
    return head.partition("/")[2] or "main"


def _git(root: Path, *words: str) -> process.Result:
    return process.run(["git", *words], cwd=root, ok=range(256))
