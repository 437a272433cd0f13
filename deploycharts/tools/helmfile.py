"""Driving helmfile: reading its state without side effects, and applying one release.

What helmfile would pass to helm is recorded, not guessed: a program of ours stands in for helm and
notes working folder and arguments. So the layers come out byte for byte.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploycharts.errors import UnknownName, UserError
from deploycharts.tools import helm, plainwords, process, programs, shims
from deploycharts.tools.helm import AIM_FLAGS
from deploycharts.tools.mutedhooks import without_reading_hooks
from deploycharts.tools.process import Result, Running
from deploycharts.tools.versions import Feature

NO_RELEASES = 3
"""helmfile's exit code where the environment has no releases."""

_HOOKS_REFUSED = "hooks are disabled"


@dataclass(frozen=True, slots=True)
class Call:
    """One `helm template` that helmfile asked for, with the bytes of its values files."""

    folder: Path
    argv: tuple[str, ...]
    layers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What helmfile says of one state file in one environment.

    Attributes:
        build: the text of `helmfile build`; it holds environment values, treat it as secret.
        calls: the recorded renders, one for each installed release, in no particular order.
    """

    build: str
    calls: tuple[Call, ...]


def read(
    state_file: Path,
    environment: str,
    *,
    workdir: Path,
    values: Mapping[str, str] | None = None,
) -> State:
    """The state of one service in one environment; runs no hooks and leaves nothing behind.

    Args:
        state_file: the service's helmfile.
        environment: helmfile's name of the environment.
        workdir: a private folder for this call alone.
        values: environment values that go before those of the repository.

    Raises:
        UnknownName: the service has no release in the environment.
        CommandFailed: helmfile cannot read the state.
    """
    env = quiet_environment(workdir)
    arguments = [*recording(workdir), "--environment", environment, "--quiet"]
    arguments += given(values or {})
    template = ["template", "--skip-deps", "--skip-cleanup"]

    def ask(verb: Sequence[str]) -> Result:
        return _ask_reading(state_file, [*arguments, *verb], env, environment)

    with ThreadPoolExecutor(max_workers=2) as pool:
        building = pool.submit(ask, ["build"])
        noting = pool.submit(ask, template)
        build, _ = building.result(), noting.result()
    return State(build.out, recorded(workdir))


def sync(
    state_file: Path,
    environment: str,
    release: str,
    *,
    planned: str,
    workdir: Path,
    description: str,
    labels: Mapping[str, str],
    on_line: Callable[[str], None],
    take_over: bool = False,
    copy: tuple[str, Path] | None = None,
    waits_for_jobs: bool = True,
    aim: str = "",
) -> Running:
    """Start the guarded upgrade of one release; helmfile's hooks and flags apply.

    Args:
        state_file: the service's helmfile.
        environment: helmfile's name of the environment.
        release: the release's name.
        planned: the `fingerprint` of layers and chart that may be applied.
        workdir: a private folder for this call alone; see `refused`.
        description: what helm's history will say.
        labels: labels of the new revision.
        on_line: gets helmfile's output line by line.
        take_over: overwrite fields that others have set since (`helm upgrade --force-conflicts`).
        copy: the reference of a chart from elsewhere, and the folder that stands for it.
        waits_for_jobs: let helm wait for Jobs if the state asks for it; suspended ones never end.
        aim: the flags that say where helm acts as they were planned, see `rendering.aim`.
    """
    guard = shims.write(
        workdir / "guard-helm",
        shims.GUARD.format(
            helm=shlex.quote(str(programs.supported("helm"))),
            version=programs.version("helm"),
            planned=planned,
            extra=shlex.join(helm.upgrade_flags(description, labels, take_over=take_over)),
            marker=shlex.quote(str(workdir / "refused")),
            reference=shlex.quote(copy[0] if copy else ""),
            copy=shlex.quote(str(copy[1]) if copy else ""),
            waits_for_jobs="yes" if waits_for_jobs else "no",
            aim=shlex.quote(aim),
            aim_flags=" ".join(AIM_FLAGS),
        ),
    )
    argv = [
        str(programs.supported("helmfile")), "--helm-binary", str(guard), "--file", str(state_file),
        "--environment", environment, "--selector", f"name={release}", "sync",
        "--skip-deps", "--skip-needs",
    ]  # fmt: skip
    return process.start(
        argv,
        cwd=state_file.parent,
        env=quiet_environment(workdir),
        on_line=lambda line: on_line(plainwords.uncoloured(line.rstrip("\n"))),
    )


def refused(workdir: Path) -> str:
    """Why the guard of the `sync` in `workdir` refused the upgrade; empty if it did not."""
    marker = workdir / "refused"
    if not marker.exists():
        return ""
    if marker.read_text().strip() == "place":
        return "helmfile would act on another cluster or namespace than planned"
    return "layers or chart changed after the plan was made"


def _ask_reading(
    state_file: Path, arguments: Sequence[str], env: Mapping[str, str], environment: str
) -> Result:
    """Run helmfile without hooks; where it objects because there are some, mute them."""
    answer = _with_hooks_disabled(state_file, arguments, env)
    if answer is None:
        argv = [str(programs.supported("helmfile")), "--file", "-", *arguments]
        muted = {**env, "HELMFILE_DISABLE_HOOKS": "false", "HELMFILE_RENDER_YAML": "true"}
        answer = process.run(
            argv, cwd=state_file.parent, env=muted, stdin=without_reading_hooks(state_file),
            ok=range(256),
        )  # fmt: skip
    if answer.code == NO_RELEASES:
        raise UnknownName(
            f"service {state_file.parent.name} has no release in {environment}", where=state_file
        )
    if answer.code != 0:
        raise _unreadable(state_file, environment, answer.err)
    return answer


def _with_hooks_disabled(
    state_file: Path, arguments: Sequence[str], env: Mapping[str, str]
) -> Result | None:
    """What helmfile says; None if there are hooks, or if it cannot be kept from running any."""
    if not programs.can(Feature.HOOKS_DISABLED):
        return None
    argv = [str(programs.supported("helmfile")), "--file", state_file.name, *arguments]
    disabled = {**env, "HELMFILE_DISABLE_HOOKS": "true"}
    answer = process.run(argv, cwd=state_file.parent, env=disabled, ok=range(256))
    return None if answer.code != 0 and _HOOKS_REFUSED in answer.err else answer


def _unreadable(state_file: Path, environment: str, said: str) -> UserError:
    """Why helmfile cannot read a state, with the line that asks for what is missing."""
    need = plainwords.need_of(plainwords.uncoloured(said))
    at = plainwords.asked_at(state_file, need) if need else None
    why = plainwords.innermost(said)[-2000:]
    build = f"cd {state_file.parent} && helmfile -e {environment} build"
    return UserError(
        f"helmfile cannot read the state of {state_file.parent.name} in {environment}",
        where=at or state_file,
        why="\n".join(filter(None, (need.sentence if need else "", why))),
        next_step=need.next_step if need else build,
    )


def recording(workdir: Path) -> list[str]:
    """The arguments that put the recorder in helm's place."""
    programs.supported("helmfile")
    calls = workdir / "calls"
    calls.mkdir(mode=0o700)
    recorder = shims.write(
        workdir / "record-helm",
        shims.RECORD.format(
            helm=shlex.quote(str(programs.supported("helm"))),
            version=programs.version("helm"),
            calls=shlex.quote(str(calls)),
        ),
    )
    return ["--helm-binary", str(recorder)]


def given(values: Mapping[str, str]) -> list[str]:
    """The arguments that set environment values."""
    return [word for pair in values.items() for word in ("--state-values-set", "=".join(pair))]


def recorded(workdir: Path) -> tuple[Call, ...]:
    """The renders that the recorder noted."""
    return tuple(_call(file) for file in sorted((workdir / "calls").iterdir()))


def quiet_environment(workdir: Path) -> dict[str, str]:
    """The environment to run helmfile in: temporary files private, no colours.

    The shared template takes from it how to wait: helm 3 knows one way only.
    """
    waits = programs.can(Feature.TRACK_MODE_LEGACY) and programs.can(Feature.WAIT_STRATEGIES)
    temporary = workdir / "tmp"
    temporary.mkdir(mode=0o700, exist_ok=True)
    return {
        **helm.environment(),
        "DEPLOYCHARTS_TRACK_MODE": "helm-legacy" if waits else "none",
        "HELMFILE_TEMPDIR": str(temporary),
        "TMPDIR": str(temporary),
        "HELMFILE_UPGRADE_NOTICE_DISABLED": "1",
        "NO_COLOR": "1",
    }


def _call(file: Path) -> Call:
    folder, *argv = file.read_text().rstrip("\0").split("\0")
    layers = tuple(
        Path(folder, value).read_bytes()
        for flag, value in itertools.pairwise(argv)
        if flag in {"--values", "-f"}
    )
    return Call(Path(folder), tuple(argv), layers)
