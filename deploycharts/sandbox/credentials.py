"""Who may do what with the local API servers."""

from __future__ import annotations

import base64
import json
import time

from deploycharts.sandbox.layout import Layout, write_private

# The certificates are valid for a year.
_CERTIFICATE_DAYS = 300


def write_tokens(layout: Layout, environment: str, token: str) -> None:
    """Write the table of tokens that an API server reads when it starts."""
    write_private(layout.tokens(environment), f'{token},admin,admin,"system:masters"\n')


def drop_unusable(layout: Layout, environment: str) -> None:
    """Remove a certificate that is too old or half written; an API server then makes a new one."""
    if not _is_usable(layout, environment):
        layout.certificate(environment).unlink(missing_ok=True)
        layout.key(environment).unlink(missing_ok=True)


def write_admin_kubeconfig(layout: Layout, environment: str, *, port: int, token: str) -> None:
    """Write the administrator's kubeconfig, once the API server has made its certificate."""
    authority = layout.certificate(environment).read_bytes()
    text = kubeconfig(environment, port=port, token=token, user="admin", authority=authority)
    write_private(layout.kubeconfig(environment), text)


def kubeconfig(environment: str, *, port: int, token: str, user: str, authority: bytes) -> str:
    """A kubeconfig that needs no other file."""
    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    context = {"cluster": environment, "user": user}
    return (
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": environment, "cluster": cluster}],
                "users": [{"name": user, "user": {"token": token}}],
                "contexts": [{"name": environment, "context": context}],
                "current-context": environment,
            },
            indent=2,
        )
        + "\n"
    )


def _is_usable(layout: Layout, environment: str) -> bool:
    certificate, key = layout.certificate(environment), layout.key(environment)
    if not (certificate.exists() and key.exists()):
        return False
    return time.time() - certificate.stat().st_mtime < _CERTIFICATE_DAYS * 86_400
