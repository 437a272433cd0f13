"""Where the sandbox of a checkout keeps its files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

FOLDER = ".sandbox"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one sandbox; `root` is the absolute path of the checkout."""

    root: Path

    @property
    def folder(self) -> Path:
        """Everything is in here, and only its owner can look inside."""
        return self.root / FOLDER

    @property
    def lock(self) -> Path:
        """Held while a command changes the sandbox."""
        return self.folder / "lock"

    @property
    def settings(self) -> Path:
        """Ports and tokens."""
        return self.folder / "settings.json"

    @property
    def etcd(self) -> Path:
        """The data of all three clusters."""
        return self.folder / "etcd"

    @property
    def egress(self) -> Path:
        """How API servers reach nodes and pods."""
        return self.folder / "egress.json"

    @property
    def logs(self) -> Path:
        """What the programs write."""
        return self.folder / "logs"

    @property
    def pod_logs(self) -> Path:
        """What pods seem to have written."""
        return self.folder / "pod-logs"

    def kwok(self, environment: str) -> Path:
        """The configuration of an environment's kwok."""
        return self.folder / "kwok" / environment

    def log(self, component: str) -> Path:
        """What one program writes."""
        return self.logs / f"{component}.log"

    def pki(self, environment: str) -> Path:
        """Certificate and key that an API server makes for itself."""
        return self.folder / "pki" / environment

    def certificate(self, environment: str) -> Path:
        """The certificate of an API server and its authority's."""
        return self.pki(environment) / "apiserver.crt"

    def key(self, environment: str) -> Path:
        """The key of an API server, which also signs the tokens of service accounts."""
        return self.pki(environment) / "apiserver.key"

    def tokens(self, environment: str) -> Path:
        """The table of tokens that an API server accepts."""
        return self.folder / "pki" / environment / "tokens.csv"

    def credentials(self, environment: str) -> Path:
        """The kubeconfigs of an environment."""
        return self.folder / "credentials" / environment

    def kubeconfig(self, environment: str, service: str | None = None) -> Path:
        """The administrator's kubeconfig, or that of a service's deployer."""
        return self.credentials(environment) / f"{service or 'admin'}.kubeconfig"


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it, that only their owner can enter."""
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: wholly or not at all, and only if it changes."""
    if path.exists() and path.read_text() == text:
        return
    make_private_folder(path.parent)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    staged.replace(path)
