"""Rendering many releases: from the cache, by the render server, else by helm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deploycharts.errors import UserError
from deploycharts.rendering import server
from deploycharts.rendering.cache import Cache
from deploycharts.rendering.release import Layer, Release
from deploycharts.rendering.remembered import pack, render_key
from deploycharts.rendering.render import render_failure, render_objects
from deploycharts.rendering.server import Job
from deploycharts.tools.process import Result
from deploycharts.tools.workdir import private_folder

_PROCESSES = 2
_ONCE = "once "


@dataclass(frozen=True, slots=True)
class Output:
    """What became of a release: its packed objects, or why there are none."""

    content: bytes = field(default=b"", repr=False)
    error: UserError | None = None


def render_many(
    releases: Sequence[Release], *, cache: Cache | None, fresh: bool = False
) -> tuple[Output, ...]:
    """Render releases, each different one once; the order stays. See `render_each`."""
    found = dict(render_each(releases, cache=cache, fresh=fresh))
    return tuple(found[number] for number in range(len(releases)))


def render_each(
    releases: Sequence[Release], *, cache: Cache | None, fresh: bool = False
) -> Iterator[tuple[int, Output]]:
    """Render releases, each different one once; as they are done, with their numbers.

    Args:
        releases: what to render.
        cache: where renders are remembered; None to remember nothing.
        fresh: render everything, whatever is remembered.
    """
    numbers: dict[str, list[int]] = {}
    for number, each in enumerate(releases):
        numbers.setdefault(render_key(each) or f"{_ONCE}{number}", []).append(number)
    left = {}
    for key, same in numbers.items():
        release = releases[same[0]]
        known = None if fresh else _known(key, release, cache)
        if known is None:
            left[key] = release
        else:
            yield from ((number, known) for number in same)
    with ThreadPoolExecutor(max_workers=1) as pool:
        for key, output in _render(left):
            if cache is not None and output.error is None and not key.startswith(_ONCE):
                pool.submit(cache.put, key, output.content)
            yield from ((number, output) for number in numbers[key])


def _known(key: str, release: Release, cache: Cache | None) -> Output | None:
    if not release.installed:
        return Output(pack(()))
    content = cache.get(key) if cache is not None and not key.startswith(_ONCE) else None
    return None if content is None else Output(content)


def _render(wanted: Mapping[str, Release]) -> Iterator[tuple[str, Output]]:
    with private_folder("layers") as workdir:
        files = _write_layers(wanted.values(), workdir)
        names = {str(file): layer for file, layer in files.values()}
        jobs = {key: _job(each, files) for key, each in wanted.items()}
        left = []
        for (key, job), answer in zip(jobs.items(), server.render([*jobs.values()]), strict=True):
            if answer is None:
                left.append(key)
            elif answer.error:
                failed = Result(job.argv, 1, "", answer.error, 0)
                yield key, Output(error=render_failure(wanted[key], failed, names))
            else:
                yield key, Output(answer.content)
        with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
            outputs = pool.map(lambda key: _by_helm(wanted[key], jobs[key], names), left)
            yield from zip(left, outputs, strict=True)


def _by_helm(release: Release, job: Job, names: Mapping[str, Layer]) -> Output:
    try:
        return Output(pack(render_objects(release, job.argv, names)))
    except UserError as error:
        return Output(error=error)


def _write_layers(releases: Iterable[Release], workdir: Path) -> dict[str, tuple[Path, Layer]]:
    """Each different layer as a file that only we can read."""
    files: dict[str, tuple[Path, Layer]] = {}
    for release in releases:
        for layer in release.layers:
            if layer.digest not in files:
                file = workdir / f"{layer.digest}.yaml"
                file.touch(mode=0o600)
                file.write_bytes(layer.content)
                files[layer.digest] = (file, layer)
    return files


def _job(release: Release, files: Mapping[str, tuple[Path, Layer]]) -> Job:
    words = list(release.argv)
    if not {"--namespace", "-n"} & set(words):
        words += ["--namespace", "default"]
    for layer in release.layers:
        words += ["--values", str(files[layer.digest][0])]
    return Job(release.folder, tuple(words))
