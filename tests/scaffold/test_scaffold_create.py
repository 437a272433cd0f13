"""Making a service without a terminal: what appears, and that wrong answers leave nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import yaml

from deploycharts.errors import Exit
from tests.scaffold.scaffold_builders import create, files, killed_at

pytestmark = pytest.mark.slow

LONGEST = "a" * 53


def test_chart_service_and_registry_entry_appear_together(root: Path) -> None:
    before = files(root)
    assert create("demo", "--defaults") == Exit.DONE
    made = files(root) - before
    assert "charts/demo/Chart.yaml" in made
    assert "charts/demo/.scaffold.yaml" in made
    assert "helmfile.d/services/demo/helmfile.yaml.gotmpl" in made
    assert "helmfile.d/cluster/services/demo.yaml" in made
    assert not any(path.startswith(".scaffold") for path in made)


def test_an_answers_file_alone_is_enough(root: Path) -> None:
    (root / "answers.yaml").write_text("name: demo\nport: 9000\nenv: {GREETING: hello}\n")
    assert create("--answers", "answers.yaml") == Exit.DONE
    values = (root / "helmfile.d/services/demo/values.yaml").read_text()
    assert "port: 9000" in values
    assert 'GREETING: "hello"' in values


@pytest.mark.usefixtures("unverified")
def test_set_is_stronger_than_the_answers_file(root: Path) -> None:
    (root / "answers.yaml").write_text("name: demo\nport: 9000\n")
    assert create("--answers", "answers.yaml", "--set", "port=9001") == Exit.DONE
    assert "port: 9001" in (root / "helmfile.d/services/demo/values.yaml").read_text()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["on"], "YAML reads 'on' as True"),
        (["null"], "YAML reads 'null' as None"),
        (["1e3"], "not a DNS label"),
        (["0x1f"], "not a DNS label"),
        (["7eleven"], "not a DNS label"),
        (["Bad_Name X"], "not a DNS label"),
        (["../x"], "not a DNS label"),
        (["a/b"], "not a DNS label"),
        (["{{ 7*7 }}"], "not a DNS label"),
        (["<@ x @>"], "not a DNS label"),
        (["-x"], "No such option"),
        (["x-"], "not a DNS label"),
        ([LONGEST + "a"], "at most 53 fit"),
        (["staging"], "already means something else"),
        (["kube-system"], "already means something else"),
        (["demo", "--set", "port=0"], "0 is not a port"),
        (["demo", "--set", "port=70000"], "70000 is not a port"),
        (["demo", "--set", "port=abc"], "'abc' is not a whole number"),
        (["demo", "--set", "port=80"], "needs root privileges"),
        (["demo", "--set", "image=registry.example.org/demo:latest"], "latest says nothing"),
        (["demo", "--set", "image=registry.example.org/demo"], "it has no tag"),
        (["demo", "--set", "health=healthz"], "is not a path"),
        (["demo", "--set", "memory=lots"], "like 256Mi"),
        (["demo", "--set", "prot=8080"], "did you mean port"),
        (["demo", "--set", "chart=demo"], "there is no chart 'demo'"),
        (["demo", "--answers", "missing.yaml"], "cannot read the answers"),
    ],
)
def test_a_wrong_answer_is_one_clear_message_and_nothing_is_written(
    root: Path, talk: io.StringIO, wrong: list[str], message: str
) -> None:
    before = files(root)
    assert create(*wrong) in {Exit.USER_ERROR, Exit.USAGE}
    said = talk.getvalue()
    assert message in said
    assert "Traceback" not in said
    assert files(root) == before


@pytest.mark.parametrize("name", ["on1", "e3", "x", LONGEST, "a-b", "nullable"])
def test_the_neighbouring_valid_name_works(root: Path, name: str) -> None:
    assert create(name) == Exit.DONE
    assert (root / "charts" / name / "Chart.yaml").is_file()


def test_everything_wrong_is_said_at_once(root: Path, talk: io.StringIO) -> None:
    wrong = ["--set", "kind=car", "--set", "port=abc", "--set", "memory=1", "--set", "x=1"]
    assert create(*wrong) == Exit.USER_ERROR
    said = talk.getvalue()
    for name in ("name is missing", "kind:", "port:", "memory:", "no question 'x'"):
        assert name in said
    assert "--set name=" in said


@pytest.mark.usefixtures("unverified")
def test_a_taken_port_names_its_owner_and_a_free_one(root: Path, talk: io.StringIO) -> None:
    assert create("one") == Exit.DONE
    assert create("two", "--set", "port=8080") == Exit.USER_ERROR
    said = talk.getvalue()
    assert "8080 is one's: helmfile.d/services/one/values.yaml:" in said
    assert "free: 8081" in said
    assert create("two") == Exit.DONE
    assert "port: 8081" in (root / "helmfile.d/services/two/values.yaml").read_text()


@pytest.mark.usefixtures("unverified")
@pytest.mark.parametrize(
    ("values", "number"),
    [
        ("main_app:\n  port: 8080\n", "8080"),
        ("service:\n  port:\n    port: 8080\n    nodePort: 30000\n", "8080"),
        ("mesh:\n  public_port: 8080\n", "8080"),
    ],
)
def test_ports_of_services_written_by_hand_count(
    root: Path, talk: io.StringIO, values: str, number: str
) -> None:
    folder = root / "helmfile.d/services/old"
    folder.mkdir()
    (folder / "helmfile.yaml").write_text("releases: []\n")
    (folder / "values.yaml").write_text(values)
    assert create("demo", "--set", f"port={number}") == Exit.USER_ERROR
    assert f"{number} is old's: helmfile.d/services/old/values.yaml:" in talk.getvalue()


def test_a_taken_node_port_and_one_out_of_range(root: Path, talk: io.StringIO) -> None:
    folder = root / "helmfile.d/services/old"
    folder.mkdir()
    (folder / "helmfile.yaml").write_text("releases: []\n")
    (folder / "values.yaml").write_text("service:\n  port:\n    nodePort: 30000\n")
    words = ("demo", "--set", "nodeport=true", "--dry-run", "--set")
    assert create(*words, "node_port=30000") == Exit.USER_ERROR
    assert "30000 is old's" in talk.getvalue()
    assert "free: 30001" in talk.getvalue()
    assert create(*words, "node_port=4000") == Exit.USER_ERROR
    assert "4000 is not between 30000 and 32767" in talk.getvalue()


def test_an_existing_name_is_refused(root: Path, talk: io.StringIO) -> None:
    assert create("one") == Exit.DONE
    before = files(root)
    assert create("one") == Exit.USER_ERROR
    assert "the service one exists: helmfile.d/services/one" in talk.getvalue()
    assert files(root) == before


def test_a_value_of_the_wrong_type_in_a_file_names_its_line(root: Path, talk: io.StringIO) -> None:
    (root / "answers.yaml").write_text("# mine\nport: 9000\nname: on\n")
    assert create("--answers", "answers.yaml") == Exit.USER_ERROR
    assert "answers.yaml:3: name: True is not a text" in talk.getvalue()


def test_a_service_on_an_existing_chart_has_its_own_folder_only(root: Path) -> None:
    assert create("first", "--set", "tls=true") == Exit.DONE
    before = files(root)
    assert create("second", "--chart", "first") == Exit.DONE
    made = files(root) - before
    assert not any(path.startswith("charts/") for path in made)
    assert (
        '"chart" "first"' in (root / "helmfile.d/services/second/helmfile.yaml.gotmpl").read_text()
    )
    values = yaml.safe_load((root / "helmfile.d/services/second/values.yaml").read_text())
    assert values["name"] == "second"
    assert values["port"] == 8081
    assert values["tls"] == {"enabled": True}


def test_a_service_on_a_chart_written_by_hand(root: Path) -> None:
    chart = root / "charts" / "mine"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: mine\nversion: 1.0.0\n")
    (chart / "templates" / "widget.yaml").write_text(
        "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: x}\n"
    )
    assert create("second", "--chart", "mine") == Exit.DONE
    assert (root / "helmfile.d/services/second/values.yaml").read_text().endswith("{}\n")


@pytest.mark.usefixtures("unverified")
@pytest.mark.parametrize("number", [1, 2, 3, 10, 20, 25])
def test_killed_in_the_middle_of_writing_the_next_run_finishes(root: Path, number: int) -> None:
    before = files(root)
    assert killed_at(number, lambda: create("demo"), {"os.rename"})
    create("other", "--dry-run")
    made = files(root) - before
    assert made == set() or len(made) == len(files(root)) - len(before) > 20
    assert (root / "charts/demo/Chart.yaml").is_file() == bool(made)
    assert (root / "helmfile.d/cluster/services/demo.yaml").is_file() == bool(made)
    assert create("demo" if not made else "another") == Exit.DONE


def test_a_placeholder_that_is_left_over_is_an_error(root: Path, talk: io.StringIO) -> None:
    values = root / "chart-templates/service/parts/values.yaml"
    values.write_text(values.read_text() + "# <@ '<@ name @' ~ '>' @>\n")
    before = files(root)
    assert create("demo") == Exit.USER_ERROR
    assert "charts/demo/values.yaml:" in talk.getvalue()
    assert "a placeholder is left over" in talk.getvalue()
    assert files(root) == before


def test_a_broken_template_is_named(root: Path, talk: io.StringIO) -> None:
    values = root / "chart-templates/service/parts/values.yaml"
    values.write_text("<% if %>\n")
    assert create("demo") == Exit.USER_ERROR
    assert "a chart template is broken" in talk.getvalue()


def test_files_that_do_not_pass_are_not_written(root: Path, talk: io.StringIO) -> None:
    account = next(root.glob("chart-templates/shared/*/chart/templates/serviceaccount.yaml"))
    account.write_text(account.read_text() + "imagePullSecret: typo\n")
    before = files(root)
    assert create("demo") == Exit.USER_ERROR
    assert "imagePullSecret" in talk.getvalue()
    assert files(root) == before
