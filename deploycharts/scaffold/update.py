"""`--check` and `--update`: charts behind their templates, and how they catch up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deploycharts import documents
from deploycharts.console import console
from deploycharts.errors import Exit, Problems, UserError
from deploycharts.registry import repository
from deploycharts.registry.repository import Repository
from deploycharts.scaffold import answers as answering
from deploycharts.scaffold import (
    apply,
    build,
    conflicts,
    facts,
    history,
    lineends,
    merge,
    record,
    templates,
    updating,
    verify,
)
from deploycharts.scaffold.answers import Given
from deploycharts.scaffold.conflicts import Conflict
from deploycharts.scaffold.create import say_recovered
from deploycharts.scaffold.facts import Facts
from deploycharts.scaffold.like import record_of
from deploycharts.scaffold.limits import SWITCHES
from deploycharts.scaffold.merge import Merged, Side
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.questions import QUESTIONS
from deploycharts.scaffold.record import Record
from deploycharts.scaffold.templates import FOLDER
from deploycharts.scaffold.tree import Tree, chart_folder, registry_entry, service_folder
from deploycharts.scaffold.updating import Update
from deploycharts.source import Source
from deploycharts.tools import yamledit

_OLDER = "the service is older than this default"
_FIXED = ("name", "chart", "kind")


def check(start: Path) -> int:
    """Say which services are behind their template; the exit code says whether there are any."""
    repo = repository.discover(start)
    known = facts.gather(repo)
    behind, unresolved = [], []
    services = _recorded(repo)
    for service in services:
        found, shown = record_of(repo, service)
        conflicts_left = list(_conflicts(repo.root, found))
        for conflict in conflicts_left:
            console.out(f"{service}: unresolved conflict: {conflict.where}: {conflict.line}")
        unresolved += [service] if conflicts_left else []
        tree = build.build(repo.root / FOLDER, _answers(found, known, {}))
        fresh = record.read_text(tree[record.path_of(found.answers)], shown)
        if fresh.rendered != found.rendered:
            behind.append(service)
            now = f"{fresh.version} ({fresh.tree[:8]})"
            made = f"{found.template} {found.version} ({found.tree[:8]})"
            console.out(f"{service}: made by {made}, now {now}")
    if unresolved:
        console.say(f"{len(unresolved)} of {len(services)} have unresolved conflicts")
        console.say("next: resolve what is between <<<<<<< and >>>>>>>")
    if behind:
        console.say(f"{len(behind)} of {len(services)} are behind their template")
        console.say(
            f"next: create-new-service --update {behind[0] if len(behind) == 1 else '--all'}"
        )
    if behind or unresolved:
        return Exit.CHECK_FAILED
    console.say(f"all {len(services)} are as their template makes them, but for owners' edits")
    return Exit.DONE


def update(
    start: Path, service: str | None, settings: Sequence[str], *, dry_run: bool = False,
    confirm: Callable[[str], bool] | None = None,
) -> int:  # fmt: skip
    """Merge what the templates have become into one service, or into all.

    Args:
        start: a folder in the repository.
        service: its name; None: all.
        settings: answers to change, as KEY=VALUE.
        dry_run: only show it.
        confirm: asks a person whether to go on.

    Raises:
        UserError: nothing is written then.
    """
    repo = repository.discover(start)
    say_recovered(repo.root)
    known = facts.gather(repo)
    changes = answering.parse_settings(settings)
    _refuse_fixed(changes)
    names = _recorded(repo) if service is None else [repo.service(service).name]
    for name in names:
        conflicts.refuse(name, _conflicts(repo.root, record_of(repo, name)[0]))
    updates = [_plan(repo, known, name, changes) for name in names]
    updating.say(updates)
    needed = [one for one in updates if one.is_needed]
    if not needed:
        console.say("nothing to do")
        return Exit.DONE
    plan = _file_plan(repo.root, needed)
    for one in needed:
        if not one.conflicts:
            _verify(repo, one, known)
    if dry_run:
        updating.say_dry(plan, needed)
        return Exit.DONE
    if confirm is not None and not confirm("Write these changes?"):
        console.say("nothing is written")
        return Exit.INTERRUPTED
    apply.apply(plan)
    return updating.say_end(needed)


def _plan(repo: Repository, known: Facts, service: str, changes: Mapping[str, Given]) -> Update:
    found, _ = record_of(repo, service)
    folder = repo.root / FOLDER
    chosen = _answers(found, known, changes)
    path_of_record = record.path_of(chosen)
    theirs = build.build(folder, chosen)
    with history.templates_at(repo.root, folder, found.tree, service=service) as old:
        base = build.build(old, _filled(found.answers, chosen))
    files: dict[str, Merged] = {}
    for path in sorted((base.keys() | theirs.keys()) - {path_of_record}):
        mine = Side(apply.content(repo.root / path), apply.is_executable(repo.root / path))
        files[path] = merge.merge_file(
            _side(base, path), mine, _side(theirs, path), merge.git_merge_file
        )
    old_record = apply.content(repo.root / path_of_record) or ""
    new_record = lineends.like(theirs[path_of_record], old_record)
    update = Update(service, chosen, files, new_record)
    return _with_version(repo.root, update) if update.is_needed else update


def _side(tree: Tree, path: str) -> Side:
    return Side(tree.get(path), path in tree.executable)


def _conflicts(root: Path, found: Record) -> Iterator[Conflict]:
    """Conflicts that are left in a service's files."""
    name, own_chart = str(found.answers["name"]), not found.answers.get("chart")
    folders = [chart_folder(name)] if own_chart else []
    return conflicts.in_folders(root, [*folders, service_folder(name), registry_entry(name)])


def _filled(recorded: Answers, now: Answers) -> Answers:
    """The recorded answers; questions that are new since are answered as they are now."""
    return {**{k: v for k, v in now.items() if k not in recorded}, **recorded}


def _answers(found: Record, known: Facts, changes: Mapping[str, Given]) -> Answers:
    name = str(found.answers["name"])
    others = known.without(name, templates.chart_of(found.answers))
    if found.answers.get("chart"):
        others = known.without(name, "")
    recorded = {key: Given(v, Source("its record"), weak=True) for key, v in found.answers.items()
                if key in {question.name for question in QUESTIONS}}  # fmt: skip
    off = [name for name in SWITCHES if found.answers.get(name) is False]
    if off and "reasons" not in found.answers:
        reasons: dict[str, str] = dict.fromkeys(off, _OLDER)
        recorded["reasons"] = Given(reasons, Source("its record"), weak=True)
    return answering.resolve(QUESTIONS, others, {**recorded, **changes})


def _with_version(root: Path, update: Update) -> Update:
    """A chart that changes gets a new version, unless the merge brings one."""
    chart = chart_folder(templates.chart_of(update.answers))
    path = f"{chart}/Chart.yaml"
    merged = update.files.get(path)
    if merged is None or merged.text is None or merged.fate == "conflict":
        return update
    touched = any(
        one.fate not in {"same", "owner-deleted", "kept"} and name.startswith(f"{chart}/")
        for name, one in update.files.items()
    )
    version = _version((root / path).read_text(encoding="utf-8"), path)
    if not touched or version != _version(merged.text, path):
        return update
    front, _, patch = version.rpartition(".")
    if not patch.isdecimal():
        return update
    raised = f"{front}.{int(patch) + 1}"
    text = yamledit.replace_scalar(merged.text, ["version"], raised, Source(path))
    fate = "updated" if merged.fate == "same" else merged.fate
    raised_chart = replace(merged, fate=fate, text=text)
    return replace(update, files={**update.files, path: raised_chart})


def _version(text: str, path: str) -> str:
    body = documents.load(text, Source(path))
    return str(body.get("version", "")) if isinstance(body, dict) else ""


def _file_plan(root: Path, updates: Sequence[Update]) -> apply.FilePlan:
    files: dict[str, str | None] = {}
    executable: dict[str, bool] = {}
    for one in updates:
        files |= {path: merged.text for path, merged in one.files.items()}
        executable |= {path: merged.executable for path, merged in one.files.items()}
        files[record.path_of(one.answers)] = one.record
    return apply.plan(root, files, executable)


def _verify(repo: Repository, update: Update, known: Facts) -> None:
    folders = (chart_folder(templates.chart_of(update.answers)), service_folder(update.service))
    own = {
        path.relative_to(repo.root).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for folder in folders
        for path in sorted((repo.root / folder).rglob("*"))
        if path.is_file()
    }
    changed = {path: merged.text for path, merged in update.files.items()}
    tree = Tree({p: text for p, text in {**own, **changed}.items() if text is not None})
    try:
        verify.verify(repo.root, tree, update.answers, known.environments, strict=False)
    except Problems as wrong:
        raise Problems(
            f"{update.service} would not be sound after the merge; nothing is written",
            wrong.errors, next_step=f"mend it, then create-new-service --update {update.service}",
        ) from None  # fmt: skip


def _recorded(repo: Repository) -> list[str]:
    """All services that have a record."""
    found = [repo.root.glob(f"{top}/*/{record.FILE}") for top in ("charts", "helmfile.d/services")]
    names = []
    for paths in found:
        for path in paths:
            made = record.read(path, repo.shown(path))
            names.append(str(made.answers["name"]))
    return sorted(set(names))


def _refuse_fixed(changes: Mapping[str, Given]) -> None:
    for name in _FIXED:
        if name in changes:
            raise UserError(
                f"{name} cannot be changed later", where=changes[name].where,
                next_step="create-new-service makes another one",
            )  # fmt: skip
