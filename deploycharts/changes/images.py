"""Which image runs: from → to, and where environments differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from deploycharts.changes.identity import by_key
from deploycharts.changes.model import Change, Consequence, ConsequenceKind, Risk
from deploycharts.changes.names import hide_in_text
from deploycharts.changes.situation import Situation
from deploycharts.changes.workloads import images
from deploycharts.documents import Document
from deploycharts.target import Target


def split_image(image: str) -> tuple[str, str]:
    """The repository and the tag or digest of an image reference."""
    repository, at, digest = image.partition("@")
    name = repository.rpartition("/")[2]
    tag = name.partition(":")[2]
    bare = repository.removesuffix(f":{tag}") if tag else repository
    return bare, f"{tag}@{digest[:19]}" if at and tag else (tag or digest[:19])


def image_changes(now: Situation) -> Iterator[Consequence]:
    """Each change of an image once, with the objects that run it."""
    found: dict[tuple[str, str], tuple[list[str], list[Change]]] = {}
    for old, new in now.both:
        before = images(old)
        for container, image in images(new).items():
            if container in before and before[container] != image:
                objects, changes = found.setdefault((before[container], image), ([], []))
                objects.append(str(new.key))
                changes += _of_image(now, new, container)
    for (old_image, new_image), (objects, changes) in found.items():
        where = ", ".join(dict.fromkeys(objects))
        risk, remark = _judge(new_image)
        sentence = f"runs {_from_to(old_image, new_image)} in {where}{remark}"
        yield now.say(ConsequenceKind.IMAGE, changes[0].object, risk, sentence, changes)


def _of_image(now: Situation, each: Document, container: str) -> list[Change]:
    changes = now.changes.get(each.key, ())
    named = [change for change in changes if change.path[-1:] == ("image",)]
    return [change for change in named if container in str(change.path[-2])] or list(changes)


def _from_to(old: str, new: str) -> str:
    (old_name, old_tag), (new_name, new_tag) = split_image(old), split_image(new)
    short = new_name.rpartition("/")[2]
    if old_name == new_name:
        return f"image {short} {old_tag or 'latest'} → {new_tag or 'latest'}"
    return f"another image: {old} → {new}"


def _judge(image: str) -> tuple[Risk, str]:
    if split_image(image)[1] in ("", "latest"):
        return Risk.MEDIUM, "; a tag that moves: nobody can say later what ran"
    return Risk.LOW, ""


def image_differences(heads: Mapping[Target, Sequence[Document]]) -> tuple[Consequence, ...]:
    """Where the environments of a service will run different images of the same container."""
    found: dict[tuple[str, str, str], dict[Target, str]] = {}
    for target, documents in heads.items():
        for key, each in by_key(documents)[0].items():
            for container, image in images(each).items():
                name = hide_in_text(str(key), target)
                found.setdefault((target.service, name, container), {})[target] = image
    told: dict[tuple[str, ...], None] = {}
    differences = []
    for where, by_target in found.items():
        sentence = _difference(by_target)
        if sentence and (where[0], sentence) not in told:
            told[where[0], sentence] = None
            differences.append(
                Consequence(min(by_target), ConsequenceKind.IMAGE, None, (), Risk.MEDIUM, sentence)
            )
    return tuple(differences)


def _difference(by_target: Mapping[Target, str]) -> str:
    places: dict[str, dict[str, None]] = {}
    for target, image in by_target.items():
        places.setdefault(image, {})[target.environment] = None
    if len(places) < 2:
        return ""
    names = {split_image(image)[0] for image in places}
    parts = [
        f"{', '.join(environments)} {split_image(image)[1] if len(names) == 1 else image}"
        for image, environments in places.items()
    ]
    what = next(iter(names)).rpartition("/")[2] if len(names) == 1 else "a container"
    return f"environments run different images of {what}: {'; '.join(parts)}"
