"""Rendering many releases: from the cache, by the render server, else by helm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Output:
    """What became of a release: its packed objects, or why there are none."""

    content: bytes = field(default=b"", repr=False)
    error: UserError | None = None


def render_many(
    releases: Sequence[Release], *, cache: Cache | None, fresh: bool = False
) -> tuple[Output, ...]:
    """Render releases, each different one once.

    Args:
        releases: what to render; the order stays.
        cache: where renders are remembered; None to remember nothing.
        fresh: render everything, whatever is remembered.
    """
    keys = [render_key(each) or f"once {number}" for number, each in enumerate(releases)]
    wanted = dict(zip(keys, releases, strict=True))
    found: dict[str, Output] = {}
    if cache is not None and not fresh:
        stored = {key: cache.get(key) for key in wanted if not key.startswith("once ")}
        found = {key: Output(content) for key, content in stored.items() if content is not None}
    missing = {key: each for key, each in wanted.items() if key not in found}
    rendered = _render(missing)
    for key, output in rendered.items():
        if cache is not None and output.error is None and not key.startswith("once "):
            cache.put(key, output.content)
    found |= rendered
    return tuple(found[key] for key in keys)


def _render(wanted: Mapping[str, Release]) -> dict[str, Output]:
    done = {key: Output(pack(())) for key, each in wanted.items() if not each.installed}
    asked = {key: each for key, each in wanted.items() if each.installed}
    with private_folder("layers") as workdir:
        files = _write_layers(asked.values(), workdir)
        names = {str(file): layer for file, layer in files.values()}
        jobs = {key: _job(each, files) for key, each in asked.items()}
        answers = dict(zip(jobs, server.render([*jobs.values()]), strict=True))
        left = []
        for key, answer in answers.items():
            if answer is None:
                left.append(key)
            elif answer.error:
                failed = Result(jobs[key].argv, 1, "", answer.error, 0)
                done[key] = Output(error=render_failure(asked[key], failed, names))
            else:
                done[key] = Output(answer.content)
        with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
            outputs = pool.map(lambda key: _by_helm(asked[key], jobs[key], names), left)
            done |= dict(zip(left, outputs, strict=True))
    return done


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
