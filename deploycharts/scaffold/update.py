"""`--check` and `--update`: charts behind their templates, and how they catch up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploycharts import documents
from deploycharts.console import console
from deploycharts.errors import Exit, Problems, UserError
from deploycharts.registry import repository
from deploycharts.registry.repository import Repository
from deploycharts.scaffold import answers as answering
from deploycharts.scaffold import apply, build, facts, history, merge, record, templates, verify
from deploycharts.scaffold.answers import Given
from deploycharts.scaffold.create import say_recovered
from deploycharts.scaffold.facts import Facts
from deploycharts.scaffold.like import record_of
from deploycharts.scaffold.merge import MEANINGS, Fate, Merged
from deploycharts.scaffold.question import Answers
from deploycharts.scaffold.questions import QUESTIONS
from deploycharts.scaffold.record import Record
from deploycharts.scaffold.templates import FOLDER
from deploycharts.scaffold.tree import Tree, chart_folder, diff, service_folder
from deploycharts.source import Source
from deploycharts.tools import yamledit

_FIXED = ("name", "chart", "kind")


@dataclass(frozen=True, slots=True)
class Update:
    """What catching up means for one service."""

    service: str
    answers: Answers
    files: Mapping[str, Merged]
    record: str

    @property
    def conflicts(self) -> list[str]:
        """The files in which lines are in conflict."""
        return [path for path, merged in self.files.items() if merged.fate == "conflict"]

    @property
    def is_needed(self) -> bool:
        """Whether any file changes."""
        return any(merged.fate not in {"same", "owner-deleted", "kept"} for merged in
                   self.files.values())  # fmt: skip


def check(start: Path) -> int:
    """Say which services are behind their template; the exit code says whether there are any."""
    repo = repository.discover(start)
    known = facts.gather(repo)
    behind = []
    services = _recorded(repo)
    for service in services:
        found, shown = record_of(repo, service)
        tree = build.build(repo.root / FOLDER, _answers(found, known, {}))
        fresh = record.read_text(tree[record.path_of(found.answers)], shown)
        if fresh.rendered != found.rendered:
            behind.append(service)
            now = f"{fresh.version} ({fresh.tree[:8]})"
            made = f"{found.template} {found.version} ({found.tree[:8]})"
            console.out(f"{service}: made by {made}, now {now}")
    if behind:
        console.say(f"{len(behind)} of {len(services)} are behind their template")
        console.say(
            f"next: create-new-service --update {behind[0] if len(behind) == 1 else '--all'}"
        )
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
    updates = [_plan(repo, known, name, changes) for name in names]
    _say(updates)
    needed = [one for one in updates if one.is_needed]
    if not needed:
        console.say("nothing to do")
        return Exit.DONE
    plan = _file_plan(repo.root, needed)
    for one in needed:
        if not one.conflicts:
            _verify(repo, one, known)
    if dry_run:
        for path, text in plan.files.items():
            console.say(diff(path, plan.before[path], text))
        return Exit.DONE
    if confirm is not None and not confirm("Write these changes?"):
        console.say("nothing is written")
        return Exit.INTERRUPTED
    apply.apply(plan)
    return _say_end(needed)


def _plan(repo: Repository, known: Facts, service: str, changes: Mapping[str, Given]) -> Update:
    found, _ = record_of(repo, service)
    folder = repo.root / FOLDER
    chosen = _answers(found, known, changes)
    theirs = dict(build.build(folder, chosen))
    new_record = theirs.pop(record.path_of(chosen))
    with history.templates_at(repo.root, folder, found.tree, service=service) as old:
        base = dict(build.build(old, _filled(found.answers, chosen)))
    base.pop(record.path_of(found.answers))
    files: dict[str, Merged] = {}
    for path in sorted(base.keys() | theirs.keys()):
        mine = apply.plan(repo.root, {path: None}).before[path]
        files[path] = merge.merge(base.get(path), mine, theirs.get(path), merge.git_merge_file)
    update = Update(service, chosen, files, new_record)
    return _with_version(repo.root, update) if update.is_needed else update


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
    version = _version((root / path).read_text(), path)
    if not touched or version != _version(merged.text, path):
        return update
    front, _, patch = version.rpartition(".")
    if not patch.isdecimal():
        return update
    raised = f"{front}.{int(patch) + 1}"
    text = yamledit.replace_scalar(merged.text, ["version"], raised, Source(path))
    fate = "updated" if merged.fate == "same" else merged.fate
    return Update(
        update.service, update.answers, {**update.files, path: Merged(fate, text)}, update.record
    )


def _version(text: str, path: str) -> str:
    body = documents.load(text, Source(path))
    return str(body.get("version", "")) if isinstance(body, dict) else ""


def _file_plan(root: Path, updates: Sequence[Update]) -> apply.FilePlan:
    files: dict[str, str | None] = {}
    for one in updates:
        files |= {path: merged.text for path, merged in one.files.items()}
        files[record.path_of(one.answers)] = one.record
    return apply.plan(root, files)


def _verify(repo: Repository, update: Update, known: Facts) -> None:
    folders = (chart_folder(templates.chart_of(update.answers)), service_folder(update.service))
    own = {
        path.relative_to(repo.root).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for folder in folders
        for path in sorted((repo.root / folder).rglob("*"))
        if path.is_file()
    }
    changed = {path: merged.text for path, merged in update.files.items()}
    tree: Tree = {p: text for p, text in {**own, **changed}.items() if text is not None}
    try:
        verify.verify(repo.root, tree, update.answers, known.environments, strict=False)
    except Problems as wrong:
        raise Problems(
            f"{update.service} would not be sound after the merge; nothing is written",
            wrong.errors, next_step=f"mend it, then create-new-service --update {update.service}",
        ) from None  # fmt: skip


def _say(updates: Sequence[Update]) -> None:
    """What becomes of each file, and what the words for it mean."""
    met: set[Fate] = set()
    for update in updates:
        console.say(update.service)
        fates = Counter(merged.fate for merged in update.files.values())
        for path, merged in update.files.items():
            if merged.fate != "same":
                console.say(f"  {merged.fate:<14}{path}")
        console.say(f"  {'same':<14}{fates['same']} files")
        met |= fates.keys() - {"same"}
    for fate, meaning in MEANINGS.items():
        if fate in met:
            console.say(f"({fate}: {meaning})")


def _say_end(updates: Sequence[Update]) -> int:
    conflicts = [path for one in updates for path in one.conflicts]
    console.say(f"updated: {', '.join(one.service for one in updates)}")
    if not conflicts:
        console.say("next: git diff")
        return Exit.DONE
    console.say("conflicts, in which both sides' lines are kept:")
    for path in conflicts:
        console.say(f"  {path}")
    console.say("next: settle what is between <<<<<<< and >>>>>>>, then review-charts")
    return Exit.CHECK_FAILED


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
