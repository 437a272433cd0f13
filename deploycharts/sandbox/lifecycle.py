"""Starting, repairing and stopping the sandbox of a checkout."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from deploycharts.errors import Refused, UserError
from deploycharts.sandbox import health, processes, repair, settings
from deploycharts.sandbox.components import Component, named
from deploycharts.sandbox.environments import ENVIRONMENTS, environment
from deploycharts.sandbox.layout import Layout, make_private_folder
from deploycharts.sandbox.start import Progress, Start, all_components, with_ports

_ANSWER_S = 5.0
_LOCK_S = 180.0


@dataclass(frozen=True, slots=True)
class Status:
    """How one component is: "running", "not answering" or "stopped"."""

    component: str
    kind: str
    environment: str | None
    pid: int | None
    state: str
    memory_bytes: int

    @property
    def is_well(self) -> bool:
        """Whether it runs and answers."""
        return self.state == "running"


def _silent(_environment: str, _thing: str) -> None:
    """Report nothing."""


class Sandbox:
    """The three local clusters of the checkout at `root`."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root.resolve())

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments."""
        return tuple(each.name for each in ENVIRONMENTS)

    def kubeconfig(self, name: str, service: str | None = None) -> Path:
        """The administrator's kubeconfig of an environment, or that of a service's deployer.

        Raises:
            UnknownName: there is no such environment.
            UserError: there is no such kubeconfig yet.
        """
        path = self.layout.kubeconfig(environment(name).name, service)
        if not path.is_file():
            raise UserError(
                f"there is no kubeconfig {path.name} for {name} yet",
                where=path,
                next_step=f"deploy cluster {name}" if service else "sandbox up",
            )
        return path

    def up(self, progress: Progress = _silent) -> None:
        """Make the sandbox whole: start what is missing, start again what does not answer.

        Returns when a pod that was asked for got ready in each environment.

        Raises:
            UserError: a component ends, or does not get ready in two minutes.
        """
        with self.locked():
            Start(self.layout, progress).run()

    def down(self) -> None:
        """Stop all processes; everything that is in the clusters is kept."""
        with self.locked():
            self._stop()

    def wipe(self) -> None:
        """Stop all processes and forget everything that is in the clusters."""
        with self.locked():
            self._stop()
            for path in self.layout.folder.iterdir():
                if path != self.layout.lock:
                    _remove(path)

    def status(self) -> list[Status]:
        """How each component is. Changes nothing."""
        wanted = all_components(self.layout, with_ports(settings.load(self.layout)))
        running = repair.observe(wanted, processes.find(self.layout.folder)).running
        well = health.healthy(self.layout, named(wanted, running), timeout_s=_ANSWER_S)
        return [_status(each, running.get(each.name), well=each.name in well) for each in wanted]

    def _stop(self) -> None:
        processes.kill(each.pid for each in processes.find(self.layout.folder))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from changing the sandbox.

        Raises:
            Refused: another command is at it and does not end.
        """
        make_private_folder(self.layout.folder)
        self.layout.folder.chmod(0o700)
        lock = FileLock(self.layout.lock, mode=0o600)
        try:
            lock.acquire(timeout=_LOCK_S)
        except Timeout:
            raise Refused(
                "another command is changing this sandbox",
                where=self.layout.lock,
                next_step="wait for it to end, then try again",
            ) from None
        try:
            yield
        finally:
            lock.release()


def _status(component: Component, pid: int | None, *, well: bool) -> Status:
    state = "stopped" if pid is None else "running" if well else "not answering"
    memory = 0 if pid is None else processes.memory_bytes(pid)
    return Status(component.name, component.kind, component.environment, pid, state, memory)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
