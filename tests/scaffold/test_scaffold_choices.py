"""What the repository and its registry know is offered; nothing of it is the program's own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deploycharts.errors import Exit
from deploycharts.scaffold import imagetags, offers
from deploycharts.scaffold.facts import Facts
from deploycharts.scaffold.questions import BY_NAME
from tests.scaffold.scaffold_builders import answers, create, facts, repository
from tests.servers import serving

slow = pytest.mark.slow


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registry with images; its address."""
    imagetags.offered.cache_clear()
    tags = {"team/demo": ["1.9.0", "1.10.0", "latest", "1.10.0-rc1", "build-7"], "team/a": ["3"]}

    def answer(asked: str) -> tuple[int, dict[str, str], str]:
        path = asked.partition(" ")[2].removeprefix("/v2/").partition("/tags/list")[0]
        if path not in tags:
            return 404, {}, "{}"
        return 200, {"Content-Type": "application/json"}, json.dumps({"tags": tags[path]})

    with serving(answer) as port:
        yield f"127.0.0.1:{port}"
    imagetags.offered.cache_clear()


def settings(root: Path, **changes: object) -> None:
    path = root / "chart-templates/repository.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def images(where: str) -> dict[str, str]:
    return {"repository": where, "tag": "0.1", "tags": r"^\d", "python": "p:1", "envoy": "e:1",
            "blubber": "b:1", "base": "x:1"}  # fmt: skip


def test_existing_tags_are_offered_and_the_newest_is_proposed(
    tmp_path: Path, registry: str
) -> None:
    repository(tmp_path)
    settings(tmp_path, images=images(f"{registry}/team/{{name}}"))
    known = replace_asking(facts(tmp_path))
    chosen = {"name": "demo"}
    assert offers.image(chosen, known) == f"{registry}/team/demo:1.10.0"
    tags = [value.rpartition(":")[2] for value, _ in offers.images(chosen, known)]
    assert tags == ["1.10.0", "1.10.0-rc1", "1.9.0"]
    (value, remark) = offers.images({"name": "new"}, known)[0]
    assert value == f"{registry}/team/new:0.1"
    assert "not in the registry yet" in remark


def replace_asking(known: Facts) -> Facts:

    return replace(known, asks_registry=True)


def test_a_registry_that_does_not_answer_offers_nothing(registry: str) -> None:
    imagetags.offered.cache_clear()
    assert imagetags.offered("127.0.0.1:1/team/demo", "") == ()
    assert imagetags.offered(f"{registry}/team/unknown", "") == ()


@slow
@pytest.mark.usefixtures("unverified")
def test_registry_domain_gateway_and_issuer_are_the_repositorys(root: Path) -> None:
    settings(
        root, images=images("images.example.net/{name}"), domain="example.net",
        gateways=["edge/main"], issuers=["corporate"],
    )  # fmt: skip
    words = [word for name in ("tls", "ingress") for word in ("--set", f"{name}=true")]
    assert create("demo", *words) == Exit.DONE
    made = {
        path.relative_to(root).as_posix(): path.read_text()
        for folder in ("charts", "helmfile.d/services")
        for path in (root / folder).rglob("*.yaml")
    }
    assert not [path for path, text in made.items() if "wikimedia" in text]
    values = yaml.safe_load(made["charts/demo/values.yaml"])
    assert values["image"]["repository"] == "images.example.net/demo"
    assert values["tls"]["image"] == "e:1"
    assert values["tls"]["issuer"] == "corporate"
    assert values["ingress"]["gateway"] == {"namespace": "edge", "name": "main"}
    assert "demo.example.net" in made["helmfile.d/services/demo/values.yaml"]


def test_the_product_names_no_organisation() -> None:
    folder = Path(imagetags.__file__).parent
    assert [p.name for p in folder.rglob("*.py") if "wikimedia" in p.read_text()] == []


@slow
@pytest.mark.usefixtures("unverified")
def test_services_groups_gateways_and_issuers_in_use_are_offered(root: Path) -> None:
    words = ["--set", "ingress=true", "--set", "deployers=team-a,team-b", "--set", "quota=small"]
    assert create("first", *words, "--set", "gateway=edge/other") == Exit.DONE
    chosen = {"name": "second"}
    known = facts(root)
    assert [value for value, _ in offers.peers(chosen, known)] == ["first:8080"]
    assert [value for value, _ in offers.callers(chosen, known)] == ["first"]
    assert [value for value, _ in offers.groups(chosen, known)] == ["team-a", "team-b"]
    assert [value for value, _ in offers.charts(chosen, known)] == ["", "first"]
    assert "gateway/public" in dict(offers.gateways(chosen, known))
    entry = yaml.safe_load((root / "helmfile.d/cluster/services/first.yaml").read_text())
    assert entry["quota"] == {"requests.cpu": "2", "requests.memory": "4Gi", "pods": "10"}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("quota", "medium", "huge"), ("version", "3.11", "2.7"),
        ("calls", ["search:9200"], ["search"]), ("callers", ["frontend"], ["Not A Name"]),
        ("containers", [], ["unknown"]),
        ("reasons", {"telemetry": "why"}, {"tls": "why"}),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused_with_what_is(
    tmp_path: Path, name: str, good: object, bad: object
) -> None:
    repository(tmp_path)
    known = facts(tmp_path)
    chosen = answers(known, runtime="python")
    assert BY_NAME[name].problem(good, chosen, known) is None  # type: ignore[arg-type]
    assert BY_NAME[name].problem(bad, chosen, known)  # type: ignore[arg-type]


@slow
@pytest.mark.usefixtures("unverified")
def test_switching_a_default_off_wants_a_reason(root: Path, talk: io.StringIO) -> None:
    assert create("demo", "--set", "telemetry=false") == Exit.USER_ERROR
    assert "telemetry is off: say why" in talk.getvalue()
    words = ["--set", "telemetry=false", "--set", "reasons=telemetry=It has no metrics yet"]
    assert create("demo", *words) == Exit.DONE
    values = yaml.safe_load((root / "helmfile.d/services/demo/values.yaml").read_text())
    assert values["telemetry"] == {"enabled": False, "reason": "It has no metrics yet"}
    assert create("--check") == Exit.DONE


@slow
@pytest.mark.parametrize("runtime", ["nodejs", "python", "golang", "php", "java"])
def test_the_pipeline_builds_on_the_version_that_was_chosen(root: Path, runtime: str) -> None:
    from deploycharts.scaffold import pipeline

    known = facts(root)
    for version, bases in known.settings.languages[runtime].items():
        folder = root / version
        folder.mkdir()
        pipeline.write(root / "chart-templates", answers(known, runtime=runtime, version=version),
                       folder)  # fmt: skip
        text = (folder / ".pipeline/blubber.yaml").read_text()
        assert set(bases.values()) & {line.split()[-1] for line in text.splitlines() if line}
        yaml.safe_load(text)
