"""Where helm would act, by its arguments, as we and the guard read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploycharts.rendering.aim import aim_of
from deploycharts.tools import shims
from deploycharts.tools.helm import AIM_FLAGS

HERE = Path("/charts/helmfile.d/services/echo")


def test_the_last_of_each_flag_counts_in_either_spelling() -> None:
    aim = aim_of(
        ["--kubeconfig", "a", "template", "main", "--kubeconfig=../b", "-n", "one", "--values", "x",
         "--namespace", "echo", "--kube-context", "codfw"],
        HERE,
    )  # fmt: skip

    assert aim.kubeconfig == HERE / "../b"
    assert aim.value("--namespace") == "echo"
    assert aim.value("--kube-context") == "codfw"
    assert aim.overrides == ()


def test_what_replaces_a_part_of_the_kubeconfig_is_named() -> None:
    aim = aim_of(["upgrade", "--kube-apiserver", "https://x", "--kube-token=t"], HERE)

    assert aim.overrides == ("--kube-apiserver", "--kube-token")


@pytest.mark.parametrize(
    "argv",
    [
        ["upgrade", "main", "--kubeconfig", "a b", "-n", "one", "--namespace", "two"],
        ["--kubeconfig=x", "upgrade", "main", "--kube-context", "c", "--kubeconfig", "y"],
        ["upgrade", "main", "--description", "to --namespace"],
        ["upgrade", "--kube-as-group", "g", "--kube-as-user=u"],
    ],
)
def test_the_guard_reads_the_same(argv: list[str], tmp_path: Path) -> None:
    start, end = shims.GUARD.index("aim() {{"), shims.GUARD.index("sum() {{")
    text = shims.GUARD[start:end].format(aim_flags=" ".join(AIM_FLAGS))
    program = shims.write(tmp_path / "aim", f'#!/bin/sh\n{text}\naim "$@"')

    said = subprocess.run([str(program), *argv], check=True, capture_output=True, text=True).stdout

    assert said == aim_of(argv, HERE).words()
