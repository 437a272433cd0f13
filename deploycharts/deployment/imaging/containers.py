"""The containers of a service and the images that they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from deploycharts.changes.reference import Reference, parse
from deploycharts.changes.workloads import containers, hook, items, pod_spec
from deploycharts.documents import Document, ObjectKey
from deploycharts.errors import unknown
from deploycharts.rendering.release import Release
from deploycharts.target import Target

_TEST = "test"


@dataclass(frozen=True, slots=True)
class Container:
    """A container as a release would run it.

    Attributes:
        is_main: whether it is one of those that the service consists of: neither an init
            container nor a test.
    """

    release: Release = field(repr=False, compare=False)
    target: Target
    object: ObjectKey
    name: str
    image: str
    is_main: bool = True

    @property
    def place(self) -> tuple[Target, ObjectKey, str]:
        """What stays the same when the image changes."""
        return self.target, self.object, self.name

    @property
    def reference(self) -> Reference:
        """The parts of its image."""
        return parse(self.image)


def containers_of(release: Release, documents: Iterable[Document]) -> Iterator[Container]:
    """All containers of a release that name an image."""
    for each in documents:
        is_test = _TEST in hook(each)
        mains = {str(one.get("name") or "") for one in items(pod_spec(each), "containers")}
        for name, body in containers(each):
            if isinstance(body.get("image"), str) and body["image"]:
                is_main = name in mains and not is_test
                yield Container(
                    release, release.target, each.key, name, str(body["image"]), is_main
                )


def choose(found: Sequence[Container], name: str) -> tuple[Container, ...]:
    """The containers called `name`; without a name those that the service consists of.

    Raises:
        UnknownName: there is none; near matches are named.
    """
    chosen = tuple(each for each in found if (each.name == name if name else each.is_main))
    if name and not chosen:
        raise unknown("container", name, {each.name for each in found})
    return chosen or tuple(found)
