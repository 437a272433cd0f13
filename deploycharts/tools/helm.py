"""Driving helm itself: rendering, rolling back, uninstalling, testing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploycharts.tools import process, programs
from deploycharts.tools.process import Result, Running
from deploycharts.tools.versions import Feature

AIM_FLAGS = (
    "--kubeconfig", "--kube-context", "--namespace", "--kube-apiserver", "--kube-token",
    "--kube-ca-file", "--kube-as-user", "--kube-as-group", "--kube-insecure-skip-tls-verify",
    "--kube-tls-server-name",
)  # fmt: skip
"""The flags that say where helm acts; without them it takes its environment's word."""

_AIMING = ("HELM_KUBE", "HELM_NAMESPACE")


def environment() -> dict[str, str]:
    """This process's environment, less what would lead helm to another cluster than it is told."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_AIMING)}


def template(argv: Sequence[str], *, folder: Path) -> Result:
    """Run a recorded `helm template`; the exit code is the caller's to judge."""
    asks = "--kube-version" in argv or "--dry-run=server" in argv
    words = () if asks else for_kubernetes()
    argv = [str(programs.supported("helm")), *argv, *words]
    return process.run(argv, cwd=folder, env=environment(), ok=range(256))


def for_kubernetes() -> tuple[str, ...]:
    """The arguments for the Kubernetes version that a helm of this version renders for.

    Helm 4 and released builds of helm 3 know it: it is that of the libraries they are built with
    (https://helm.sh/docs/topics/version_skew/). A helm 3 built without stamps renders for 1.20.
    """
    have = programs.version("helm")
    return ("--kube-version", f"1.{have.minor + 15}.0") if have.major == 3 else ()


def asking_cluster(kubeconfig: Path) -> tuple[str, ...]:
    """The arguments that let a render ask a cluster: its version, its APIs, what `lookup` finds."""
    words = ("--dry-run=server", "--kubeconfig", str(kubeconfig))
    # helm 3 takes the cluster's version and APIs only where it also validates.
    return words if programs.version("helm").major > 3 else ("--validate", *words)


def rollback(
    release: str, revision: int, *, server_side: bool, namespace: str, kubeconfig: Path,
    timeout_s: int, hooks: bool = True,
) -> Running:  # fmt: skip
    """Start going back to an explicit revision; ends when all is applied, not when pods are ready.

    Without a revision helm takes the one before, even if that failed. A rollback that is stopped
    while it waits stays pending, so helm does not wait: whoever follows the pods does.

    Args:
        release: the release.
        revision: where to.
        server_side: whether that revision was applied server-side. A field that somebody edited
            since then must not stop the rollback: it is taken over, as a client-side one does.
            Helm 3 knows only the client-side one.
        namespace: of the release.
        kubeconfig: with the credentials to act with.
        timeout_s: how long one call to the cluster may take.
        hooks: whether the chart's hooks run.
    """
    without = [] if hooks else ["--no-hooks"]
    flags = _rollback_flags(server_side=server_side)
    return _start(
        ["rollback", release, str(revision), *flags, *without],
        namespace=namespace,
        kubeconfig=kubeconfig,
        timeout_s=timeout_s,
    )


def upgrade_flags(
    description: str, labels: Mapping[str, str], *, take_over: bool
) -> tuple[str, ...]:
    """What `helm upgrade` gets besides helmfile's own arguments, as this helm knows it.

    A client-side merge takes over what others have set in any case.
    """
    said = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    flags = ["--description", description, "--labels", said]
    if take_over and programs.can(Feature.SERVER_SIDE_APPLY):
        flags.append("--force-conflicts")
    if programs.can(Feature.WAIT_STRATEGIES) and not programs.can(Feature.TRACK_MODE_LEGACY):
        flags.append("--wait=legacy")
    return tuple(flags)


def applies_server_side(*, recorded: bool) -> bool:
    """Whether helm applies server-side where a revision was, or is to be: helm 3 cannot."""
    return recorded and programs.can(Feature.SERVER_SIDE_APPLY)


def _rollback_flags(*, server_side: bool) -> tuple[str, ...]:
    if not programs.can(Feature.SERVER_SIDE_APPLY):
        return ()
    return ("--server-side=true", "--force-conflicts") if server_side else ("--server-side=false",)


def uninstall(
    release: str, *, namespace: str, kubeconfig: Path, timeout_s: int, hooks: bool = True
) -> Running:
    """Start removing a release, with or without the chart's hooks; its history stays."""
    without = [] if hooks else ["--no-hooks"]
    return _start(
        ["uninstall", release, "--keep-history", "--ignore-not-found", *without],
        namespace=namespace,
        kubeconfig=kubeconfig,
        timeout_s=timeout_s,
    )


def test(release: str, *, namespace: str, kubeconfig: Path, timeout_s: int) -> Running:
    """Start the chart's tests in a release; `timeout_s` is for each of them."""
    return _start(
        ["test", release],
        namespace=namespace,
        kubeconfig=kubeconfig,
        timeout_s=timeout_s,
    )


def upgrade(
    release: str, chart: Path, *, namespace: str, kubeconfig: Path, values: Sequence[Path],
    sets: Sequence[str] = (),
) -> Result:  # fmt: skip
    """Install or upgrade one release directly and wait for it; for the cluster step.

    Raises:
        CommandFailed: helm refused or failed.
    """
    files = [word for file in values for word in ("--values", str(file))]
    return process.run(
        [str(programs.supported("helm")), "upgrade", "--install", release, str(chart), *files,
         *(word for each in sets for word in ("--set-json", each)),
         "--namespace", namespace, "--create-namespace", "--kubeconfig", str(kubeconfig),
         "--history-max", "5"],
        env=environment(),
    )  # fmt: skip


def pull(chart: Sequence[str], *, version: str, into: Path) -> None:
    """Fetch a chart and unpack it below a folder.

    Args:
        chart: a reference, or a name and `--repo URL`; never with a password.
        version: empty for the latest.
        into: the folder.

    Raises:
        CommandFailed: helm cannot fetch it.
    """
    pinned = ["--version", version] if version else []
    process.run(
        [
            str(programs.supported("helm")),
            "pull",
            *chart,
            *pinned,
            "--untar",
            "--untardir",
            str(into),
        ]
    )


def chart_listing(chart: Path) -> str:
    """A line "sha256  ./path" for each file of a chart, sorted by path in byte order.

    The same text as the guard computes in a shell; links are followed.
    """
    top, shown = str(chart), {}
    for folder, folders, names in os.walk(top, followlinks=True):
        if folder == top and ".git" in folders:
            folders.remove(".git")
        below = folder.removeprefix(top)
        shown.update({f".{below}/{name}": Path(folder, name) for name in names})
    lines = (
        f"{hashlib.sha256(shown[name].read_bytes()).hexdigest()}  {name}"
        for name in sorted(shown, key=os.fsencode)
        if shown[name].is_file()
    )
    return "\n".join(lines)


def fingerprint(layers: Sequence[bytes], listing: str) -> str:
    """The sha256 of the layers, in order, and of a chart's listing: what the guard computes."""
    sums = "".join(f"{hashlib.sha256(layer).hexdigest()} " for layer in layers)
    return hashlib.sha256(f"{sums}\n{listing}\n".encode()).hexdigest()


def _start(words: Sequence[str], *, namespace: str, kubeconfig: Path, timeout_s: int) -> Running:
    return process.start(
        [str(programs.supported("helm")), *words, "--namespace", namespace,
         "--kubeconfig", str(kubeconfig), "--timeout", f"{timeout_s}s"],
        env=environment(),
    )  # fmt: skip
