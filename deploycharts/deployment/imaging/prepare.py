"""From a tag to the edit of one values line, proven by what the charts make of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_bytes

from deploycharts.changes.masking import Masker
from deploycharts.deployment.imaging import place
from deploycharts.deployment.imaging.containers import Container, choose, containers_of
from deploycharts.deployment.imaging.model import ImageEdit, Kept, Move
from deploycharts.deployment.imaging.setting import Setting, pinned_by, settings
from deploycharts.deployment.imaging.trial import with_file
from deploycharts.errors import UnknownName, UserError, WrongUsage
from deploycharts.registry.environments import Environment
from deploycharts.registry.repository import Repository, Service
from deploycharts.rendering.marked import KeyPath, show_key
from deploycharts.rendering.provenance import Provenance, explain
from deploycharts.rendering.reading import read
from deploycharts.rendering.release import Release, evaluate
from deploycharts.rendering.render import render, secrets_of
from deploycharts.source import Source
from deploycharts.target import Target
from deploycharts.tools import yamledit

_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class _State:
    """A service as its files say it."""

    repository: Repository
    service: Service
    releases: tuple[Release, ...]
    containers: tuple[Container, ...]
    explained: Mapping[Target, tuple[Provenance, ...]]

    def of(self, target: Target, key: KeyPath) -> Provenance | None:
        """What is known of a key in a release."""
        return next((each for each in self.explained[target] if each.key == key), None)


def prepare(
    repository: Repository, service: Service, version: str, *, environment: str = "",
    container: str = "",
) -> ImageEdit:  # fmt: skip
    """The edit that gives a service's container the image with a tag or digest; writes nothing.

    Args:
        repository: where the service is.
        service: whose image it is.
        version: a tag or a digest.
        environment: edit the values of this environment; the common ones if it is empty.
        container: which, where a service consists of several with images of their own.

    Raises:
        UnknownName: there is no such container or environment.
        UserError: no value sets that, it cannot be edited alone, or it would change nothing.
    """
    chosen = (repository.environment(environment),) if environment else repository.environments
    now = _state(repository, service, chosen)
    wanted = choose(now.containers, container)
    found = settings(wanted, now.explained, version)
    key = _only_key(found, wanted, now, version)
    group = [each for each in wanted if _is_of(each, key, found)]
    goals = tuple(dict.fromkeys(each.reference.at(version) for each in group))
    if all(str(each.reference.at(version)) == each.image for each in group):
        known = now.of(group[0].target, key)
        line = known.winner.source if known and known.winner else now.service.source
        return ImageEdit(service.name, version, line, key, None, "", goals, (), ())
    source = _place(now, environment, key)
    value = _value(group, found, version, now, source)
    edit = replace(_edit(repository, service, version, source, key, value), goals=goals)
    if edit.after == edit.before:
        return replace(edit, kept=_kept(now, group, edit, repository.root))
    return _with_outcome(edit, now, _after(edit, repository, service, chosen), group)


def _after(
    edit: ImageEdit, repository: Repository, service: Service, chosen: Sequence[Environment]
) -> _State:
    """The service as its files would say it.

    Raises:
        UserError: it would not be valid, by the chart's schema for instance.
    """
    with with_file(repository, edit.line.path, edit.after.encode()) as other:
        try:
            return _state(other, service, chosen)
        except UserError as error:
            where, why = (
                str(text or "").replace(f"{other.root}/", "").replace(f"{repository.root}/", "")
                for text in (error.where, error.why)
            )
            raise UserError(
                f"{edit.service} would not be valid with {edit.key_name} set to that",
                where=edit.line, why=f"{where}: {error.what}\n{why}",
            ) from None  # fmt: skip


def _state(repository: Repository, service: Service, environments: Iterable[Environment]) -> _State:
    inside = repository.service(service.name)
    with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
        found = pool.map(lambda each: _evaluated(repository, inside, each.name), environments)
        releases = tuple(one for several in found for one in several if one.installed)
    if not releases:
        raise UnknownName(f"the service {service.name} has no releases there", where=inside.source)
    rendered = render(releases)
    return _State(
        repository, inside, releases,
        tuple(one for each in rendered for one in containers_of(each.release, each.documents)),
        {each.target: explain(each, repository.root) for each in releases},
    )  # fmt: skip


def _evaluated(repository: Repository, service: Service, environment: str) -> tuple[Release, ...]:
    try:
        return evaluate(repository, service, repository.environment(environment))
    except UnknownName:
        return ()


def _only_key(
    found: Mapping[Container, Setting], wanted: Sequence[Container], now: _State, version: str
) -> KeyPath:
    """The key that sets the image, if it is one.

    Raises:
        WrongUsage: containers have keys of their own.
        UserError: no value sets it.
    """
    keys = dict.fromkeys(setting.key for setting in found.values())
    if not keys:
        raise _nothing_sets(wanted, now, version)
    if len(keys) > 1:
        lines = dict.fromkeys(
            f"{each.name}: {each.reference} ({show_key(setting.key)})"
            for each, setting in found.items()
        )
        names = sorted({each.name for each in found})
        raise WrongUsage(
            f"{now.service.name} runs images that different values set",
            why="\n".join(lines),
            next_step=f"deploy image {now.service.name} {version} --container {names[0]}",
        )
    return next(iter(keys))


def _nothing_sets(wanted: Sequence[Container], now: _State, version: str) -> UserError:
    """Why no value can give any of the containers that tag or digest."""
    if not wanted:
        return UserError(f"{now.service.name} has no containers", where=now.service.source)
    pin = pinned_by(wanted[0].image, now.explained[wanted[0].target])
    reference = wanted[0].reference
    if pin is not None and pin.winner is not None and reference.digest:
        return UserError(
            f"{pin.name} pins a digest, which wins over a tag",
            where=pin.winner.source,
            why=f"the image is {reference}",
            next_step=f"deploy image {now.service.name} sha256:…, or empty {pin.name} first",
        )
    kind = "digest" if ":" in version else "tag"
    return UserError(
        f"no value alone sets the {kind} of the image of container {wanted[0].name}",
        where=pin.winner.source if pin and pin.winner else wanted[0].object,
        why=f"the image is {reference}; it may be in a list, or in the chart's templates",
        next_step="edit it by hand",
    )


def _is_of(each: Container, key: KeyPath, found: Mapping[Container, Setting]) -> bool:
    """Whether a container is one that the key is for, or is for in another release."""
    if each in found:
        return True
    return each.name in {one.name for one, setting in found.items() if setting.key == key}


def _place(now: _State, environment: str, key: KeyPath) -> Source:
    folder = now.repository.shown(now.service.folder)
    if environment:
        return place.layer_of(environment, now.releases, folder)
    setting = [one for each in now.releases if (one := now.of(each.target, key))]
    return place.common_layer(now.releases, folder, setting)


def _value(
    group: Sequence[Container], found: Mapping[Container, Setting], version: str, now: _State,
    source: Source,
) -> str:  # fmt: skip
    """What to write: for the releases in which the file's line wins, if there are any."""

    def is_shadowed(each: Container) -> bool:
        known = now.of(each.target, found[each].key)
        return known is None or not known.winner or known.winner.source.path != source.path

    first = min((each for each in group if each in found), key=is_shadowed)
    value = found[first].value_for(first.reference.at(version))
    assert value is not None, "a trial gave the container such an image"
    return value


def _edit(
    repository: Repository, service: Service, version: str, source: Source, key: KeyPath,
    value: str,
) -> ImageEdit:  # fmt: skip
    file = repository.root / source.path
    before = file.read_bytes().decode() if file.is_file() else None
    text = _first_lines(file.parent) if before is None else before
    after = yamledit.set_scalar(text, key, value, Source(source.path))
    at: object = read(after, source.path)
    for name in key:
        at = at.items[name]  # type: ignore[attr-defined]
    line: Source = at.origin.source  # type: ignore[attr-defined]
    return ImageEdit(service.name, version, line, key, before, after, (), (), ())


def _first_lines(folder: Path) -> str:
    """What a new values file begins with: the schema that editors check its neighbour by."""
    common = folder / "values.yaml"
    first = common.read_text().partition("\n")[0] if common.is_file() else ""
    return f"{first}\n" if first.startswith("# yaml-language-server:") else ""


def _with_outcome(
    edit: ImageEdit, now: _State, then: _State, group: Sequence[Container]
) -> ImageEdit:
    """The edit with what becomes of it.

    Raises:
        UserError: it would change no image.
    """
    show = Masker(
        (text for each in now.releases for text in secrets_of(each)), token_bytes(16)
    ).text
    before = {each.place: each for each in now.containers}
    moves = tuple(
        Move(each.target, each.name, show(before[each.place].image), show(each.image))
        for each in then.containers
        if each.place in before and each.image != before[each.place].image
    )
    places = {each.place for each in group}
    mine = [each for each in then.containers if each.place in places]
    kept = _kept(then, mine, edit, now.repository.root)
    if not moves:
        lines = dict.fromkeys(f"{each.by} sets {each.image}" for each in kept)
        raise UserError(
            f"setting {edit.key_name} there would change no image",
            where=edit.line,
            why="\n".join(lines),
            next_step="edit one environment with --env" if kept else "",
        )
    return replace(edit, moves=moves, kept=tuple(replace(e, image=show(e.image)) for e in kept))


def _kept(
    state: _State, group: Iterable[Container], edit: ImageEdit, root: Path
) -> tuple[Kept, ...]:
    """Those of the containers that do not run the wanted version, with the line that is why."""
    found = []
    for each in group:
        if str(each.reference.at(edit.version)) == each.image:
            continue
        known = state.of(each.target, edit.key)
        if known is None or known.winner is None or known.winner.source.path == edit.line.path:
            known = pinned_by(each.image, state.explained[each.target])
        by = known.winner.source if known and known.winner else None
        # What a trial only links to has its real place as path.
        shown = Source(by.path.removeprefix(f"{root}/"), by.line) if by else None
        found.append(Kept(each.target, each.name, each.image, shown))
    return tuple(found)
