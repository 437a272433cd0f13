from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploycharts.sandbox import simulation
from deploycharts.sandbox.layout import Layout


def documents(port: int = 20_000) -> list[dict[str, Any]]:
    text = simulation.config(Path("/checkout/.sandbox/pod-logs"), port=port)
    return [json.loads(each) for each in text.split("\n---\n")]


def test_stages_are_written_out_with_unique_names() -> None:
    stages = [each for each in documents() if each["kind"] == "Stage"]
    names = [each["metadata"]["name"] for each in stages]

    assert len(set(names)) == len(names)
    assert {"node-ready", "pod-start", "pod-ready", "pod-crash", "claim-bind"} <= set(names)
    assert all(each["spec"]["resourceRef"]["kind"] for each in stages)


def test_places_are_filled_in() -> None:
    text = json.dumps(documents(port=23_456))

    assert "POD_LOGS" not in text
    assert "KWOK_PORT" not in text
    assert "/checkout/.sandbox/pod-logs/crash.log" not in text  # the stage chooses the file
    assert "/checkout/.sandbox/pod-logs/%s.log" in text
    assert '"23456"' in text


def test_another_configuration_has_another_path(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    paths = {simulation.config_path(layout, "eqiad", port=port) for port in (1, 2, 2)}

    assert len(paths) == 2


def test_writing_a_configuration_removes_the_one_before(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    simulation.write_config(layout, "eqiad", port=1)
    simulation.write_config(layout, "eqiad", port=2)

    assert list(layout.kwok("eqiad").iterdir()) == [simulation.config_path(layout, "eqiad", port=2)]


def test_logs_have_the_format_of_container_runtimes(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    simulation.write_logs(layout)

    files = {file.stem: file.read_text() for file in layout.pod_logs.iterdir()}
    assert {"default", "crash", "oom", "fail", "never-ready"} <= set(files)
    for line in "".join(files.values()).splitlines():
        _time, stream, tag, text = line.split(" ", 3)
        assert stream in {"stdout", "stderr"}
        assert tag == "F"
        assert text
    assert "fatal: cannot reach the database" in files["crash"].splitlines()[-1]
