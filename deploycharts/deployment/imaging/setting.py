"""Which value sets an image: found by changing values and rendering, not by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploycharts.changes.reference import Reference, is_digest
from deploycharts.deployment.imaging.containers import Container, containers_of
from deploycharts.documents import Json
from deploycharts.rendering.influence import rendered, with_value
from deploycharts.rendering.marked import KeyPath
from deploycharts.rendering.provenance import Provenance
from deploycharts.target import Target

_NAMES = ("tag", "version", "digest", "image", "sha")
_OTHER_TAG = "0.0.0-other"
_OTHER_DIGEST = f"sha256:{'0' * 64}"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and how an image's reference is made of it.

    Attributes:
        before: what stands before the value in the reference.
        after: what stands after it; None where the value is the tag or digest itself, whatever
            stands around it.
    """

    key: KeyPath
    before: str = ""
    after: str | None = None

    def value_for(self, goal: Reference) -> str | None:
        """What to set for an image; None if the value alone cannot make it."""
        if self.after is None:
            return goal.version
        text = str(goal)
        fits = text.startswith(self.before) and text.endswith(self.after)
        if not fits or len(text) <= len(self.before) + len(self.after):
            return None
        return text[len(self.before) : len(text) - len(self.after)]


def candidates(image: str, explained: Iterable[Provenance]) -> Iterator[Setting]:
    """The values that may set an image: by their text, or if they say little by their name."""
    for each in explained:
        if each.is_deleted or isinstance(each.value, bool | list | dict):
            continue
        text = "" if each.value is None else str(each.value)
        places = list(_places(image, text)) if text else []
        yield from (Setting(each.key, image[:at], image[at + len(text) :]) for at in places)
        if not places and any(word in each.key[-1].lower() for word in _NAMES):
            yield Setting(each.key)


def _places(image: str, text: str) -> Iterator[int]:
    at = image.find(text)
    while at >= 0:
        yield at
        at = image.find(text, at + 1)


def settings(
    containers: Sequence[Container],
    explained: Mapping[Target, Sequence[Provenance]],
    version: str,
) -> dict[Container, Setting]:
    """What sets the tag or digest of each container's image, as a trial proves.

    A container for which nothing is found is left out: its chart knows no value that could give it
    that tag or digest.
    """
    tries = [
        _Try(each, setting, goal, value)
        for each in containers
        for goal in (_other_than(each.reference, version),)
        for setting in candidates(each.image, explained[each.target])
        for value in (setting.value_for(goal),)
        if value is not None
    ]
    wanted = {each.trial: each for each in tries}
    documents = rendered([with_value(e.container.release, e.setting.key, e.value)
                          for e in wanted.values()])  # fmt: skip
    images: dict[object, Mapping[object, str]] = {}
    for each, found in zip(wanted.values(), documents, strict=True):
        made = containers_of(each.container.release, found or ())
        images[each.trial] = {one.place: one.image for one in made}
    proven: dict[Container, Setting] = {}
    for each in sorted(tries, key=_rank):
        if images[each.trial].get(each.container.place) == str(each.goal):
            proven.setdefault(each.container, each.setting)
    return proven


@dataclass(frozen=True, slots=True)
class _Try:
    container: Container
    setting: Setting
    goal: Reference
    value: str

    @property
    def trial(self) -> tuple[Target, KeyPath, Json]:
        """What is rendered: the same for all containers of a release."""
        return self.container.target, self.setting.key, self.value


def _rank(each: _Try) -> tuple[object, ...]:
    """Values in use before those that are free; of subcharts' copies of a value its parent's."""
    named = next((n for n, word in enumerate(_NAMES) if word in each.setting.key[-1].lower()), 9)
    return each.setting.after is None, len(each.setting.key), named, each.setting.key


def _other_than(reference: Reference, version: str) -> Reference:
    """The image at a version; at another one if it is there already, or nothing would change."""
    goal = reference.at(version)
    if str(goal) != str(reference):
        return goal
    return reference.at(_OTHER_DIGEST if is_digest(version) else _OTHER_TAG)


def pinned_by(image: str, explained: Iterable[Provenance]) -> Provenance | None:
    """The value whose text holds an image's tag or digest, shortest path first."""
    *_, version = image.rpartition("@" if "@" in image else ":")
    found = [
        each
        for each in explained
        if version in str(each.value) and str(each.value) in image and not each.is_deleted
    ]
    return min(found, key=lambda each: len(each.key), default=None)
