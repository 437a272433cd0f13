from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploycharts.errors import UserError
from deploycharts.sandbox import settings
from deploycharts.sandbox.layout import Layout, write_private
from deploycharts.sandbox.settings import Settings


def all_free(_name: str, _port: int) -> bool:
    return True


def complete(
    before: Settings, is_usable: Callable[[str, int], bool] = all_free, playing: Sequence[str] = ()
) -> Settings:
    return settings.complete(
        before,
        components=["etcd", "kwok"],
        environments=["staging"],
        playing=playing,
        is_usable=is_usable,
    )


def test_a_first_start_gets_different_ports_and_a_secret_token() -> None:
    chosen = complete(Settings({}, {}))

    assert len(set(chosen.ports.values())) == 2
    assert len(chosen.tokens["staging"]) == 32


def test_a_later_start_keeps_ports_and_tokens() -> None:
    before = complete(Settings({}, {}))

    after = complete(before)

    assert (after.ports, after.tokens) == (before.ports, before.tokens)


def test_pods_get_addresses_of_their_own_after_each_start_of_their_player() -> None:
    first = complete(Settings({}, {}))
    going_on = complete(first, playing=["staging"])
    again = complete(going_on)

    assert first.starts == going_on.starts != again.starts


def test_a_port_that_another_program_took_is_replaced() -> None:
    before = complete(Settings({}, {}))
    taken = before.ports["kwok"]

    after = complete(before, lambda _name, port: port != taken)

    assert after.ports["etcd"] == before.ports["etcd"]
    assert after.ports["kwok"] != taken
    assert after.tokens == before.tokens


def test_a_damaged_file_is_a_first_start(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_private(layout.settings, '{"ports": ')

    assert settings.load(layout) == Settings({}, {})


def test_settings_are_read_as_they_were_saved_and_are_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    chosen = complete(Settings({}, {}))

    settings.save(layout, chosen)

    assert settings.load(layout) == chosen
    assert layout.settings.stat().st_mode & 0o077 == 0
    assert layout.folder.stat().st_mode & 0o077 == 0


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not settings.is_free(port)
    assert settings.is_free(port)


def test_without_any_free_port_the_error_says_what_to_do() -> None:
    with pytest.raises(UserError, match="no free port") as caught:
        complete(Settings({}, {}), lambda _name, _port: False)
    assert caught.value.next_step
