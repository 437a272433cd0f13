"""`deploy image`: the line that sets the image, whatever its chart calls it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from deploycharts.deployment.imaging.setting import Setting, candidates
from deploycharts.rendering.provenance import Provenance
from tests.deployment.test_deployment_image_registry import registry
from tests.servers import serving
from tests.services import PROGRAMS, Deployable, Ended

OLD, NEW = "registry.invalid/app:1.2.3", "registry.invalid/app:1.2.4"
DIGEST = f"sha256:{'ab' * 32}"
OTHER = f"sha256:{'cd' * 32}"
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: "web-{{{{ .Release.Name }}}}"}}
spec:
  selector: {{matchLabels: {{a: b}}}}
  template:
    metadata: {{labels: {{a: b}}}}
    spec:
      containers:
{containers}
"""
Hand = Callable[..., Deployable]


@pytest.fixture
def ours(tmp_path: Path) -> Deployable:
    """A service on the scaffold's chart, committed; its clusters do not exist."""
    service = Deployable(tmp_path, None)
    values = service.folder / "values.yaml"
    values.write_text(
        f"# The service.\nname: {service.name}\nimage:\n"
        '  repository: "registry.invalid/app"\n  tag: "1.2.3"   # mine\nreplicas: 2\n'
    )
    service.commit()
    return service


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    """Makes a service on a hand-written chart whose containers have these images."""

    def build(images: dict[str, str], values: str, defaults: str = "", **files: str) -> Deployable:
        service = Deployable(tmp_path, None)
        chart = service.root / "charts" / "hand"
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: hand\nversion: 0.1.0\n")
        (chart / "values.yaml").write_text(defaults)
        lines = [f"        - {{name: {name}, image: {one}}}" for name, one in images.items()]
        text = WORKLOAD.format(containers="\n".join(lines))
        (chart / "templates" / "web.yaml").write_text(text)
        state = service.folder / "helmfile.yaml.gotmpl"
        state.write_text(state.read_text().replace('"chart" "echoserver"', '"chart" "hand"'))
        (service.folder / "values.yaml").write_text(values)
        for name, content in files.items():
            (service.folder / f"{name.replace('_', '-')}.yaml").write_text(content)
        service.commit()
        return service

    return build


def image(service: Deployable, version: str, *words: str) -> Ended:
    return service.run("deploy", "image", service.name, version, "--no-check", *words)


def text(service: Deployable, file: str = "values.yaml") -> str:
    return (service.folder / file).read_text()


def leaf(key: str, value: str) -> Provenance:
    return Provenance(tuple(key.split(".")), value, None, ())


def test_a_value_may_set_an_image_by_its_text_or_by_its_name() -> None:
    values = [leaf("a.b", "1.2.3"), leaf("count", "7"), leaf("x.digest", ""), leaf("name", "")]

    found = list(candidates("r/app:v1.2.3-slim", values))

    assert found == [Setting(("a", "b"), "r/app:v", "-slim"), Setting(("x", "digest"))]


@pytest.mark.slow
@pytest.mark.thorough
def test_the_line_changes_and_nothing_else(ours: Deployable) -> None:
    before = text(ours)

    ended = image(ours, "1.2.4")

    path = f"helmfile.d/services/{ours.name}/values.yaml"
    assert ended.code == 0, ended.err
    assert text(ours) == before.replace('"1.2.3"', '"1.2.4"')
    assert ended.out == (
        f"--- {path}\n+++ {path}\n@@ -3,4 +3,4 @@\n image:\n"
        '   repository: "registry.invalid/app"\n'
        '-  tag: "1.2.3"   # mine\n+  tag: "1.2.4"   # mine\n replicas: 2\n'
    )
    assert ended.err == (
        "staging, codfw, eqiad (canary, main): 1.2.3 → 1.2.4 in app\n"
        f"next: deploy staging {ours.name}\n"
    )


@pytest.mark.slow
@pytest.mark.thorough
def test_twice_is_nothing_to_do(ours: Deployable) -> None:
    ended = image(ours, "1.2.3")

    assert ended.code == 0
    assert ended.out == ""
    assert ended.err == (
        f"nothing to do: helmfile.d/services/{ours.name}/values.yaml:5 says 1.2.3 already\n"
    )


@pytest.mark.slow
@pytest.mark.thorough
def test_a_dry_run_writes_nothing_and_leaves_nothing(ours: Deployable) -> None:
    before = {path: path.stat().st_mtime_ns for path in ours.root.rglob("*")}

    ended = image(ours, "1.2.4", "--dry-run", "-o", "json")

    assert ended.json["written"] is False
    assert (ended.json["key"], ended.json["line"]) == ("image.tag", 5)
    assert ended.json["changes"][0] == {
        "environment": "staging", "release": "canary", "container": "app", "old": OLD, "new": NEW,
    }  # fmt: skip
    assert {path: path.stat().st_mtime_ns for path in ours.root.rglob("*")} == before


@pytest.mark.slow
@pytest.mark.thorough
def test_what_overrides_the_line_is_shown(ours: Deployable) -> None:
    ours.write("values-codfw.yaml", {"image": {"tag": "1.2.0"}})

    ended = image(ours, "1.2.4")

    assert ended.err.splitlines()[:2] == [
        "staging, eqiad (canary, main): 1.2.3 → 1.2.4 in app",
        f"! helmfile.d/services/{ours.name}/values-codfw.yaml:2 overrides: "
        "codfw (canary, main) keeps 1.2.0",
    ]


@pytest.mark.slow
@pytest.mark.thorough
def test_where_all_environments_override_it_the_edit_is_refused(ours: Deployable) -> None:
    for name in ("staging", "codfw", "eqiad"):
        ours.write(f"values-{name}.yaml", {"image": {"tag": "1.2.0"}})
    before = text(ours)

    ended = image(ours, "1.2.4")

    assert ended.code == 1
    assert "would change no image" in ended.err
    assert "values-eqiad.yaml:2 sets registry.invalid/app:1.2.0" in ended.err
    assert text(ours) == before


@pytest.mark.slow
@pytest.mark.thorough
def test_one_environment_gets_a_layer_of_its_own(ours: Deployable) -> None:
    ended = image(ours, "1.20", "--env", "codfw")

    assert ended.code == 0, ended.err
    assert text(ours, "values-codfw.yaml") == 'image:\n  tag: "1.20"\n'
    assert ended.err == (
        f"codfw (canary, main): 1.2.3 → 1.20 in app\nnext: deploy codfw {ours.name}\n"
    )


@pytest.mark.slow
@pytest.mark.thorough
def test_the_layer_of_an_environment_keeps_what_it_says(ours: Deployable) -> None:
    file = ours.folder / "values-staging.yaml"
    file.write_text("# Small.\nimage: {}\nreplicas: 1\n")

    image(ours, "1.2.4", "--env", "staging")

    assert file.read_text() == '# Small.\nimage: {tag: "1.2.4"}\nreplicas: 1\n'


@pytest.mark.slow
@pytest.mark.thorough
def test_a_digest_gets_the_key_that_the_chart_has_for_it(ours: Deployable) -> None:
    ended = image(ours, DIGEST)

    assert ended.code == 0, ended.err
    assert f'  tag: "1.2.3"   # mine\n  digest: "{DIGEST}"\n' in text(ours)
    assert "1.2.3 → sha256:abababababab in app" in ended.err


@pytest.mark.slow
@pytest.mark.thorough
def test_a_pinned_digest_is_replaced_by_digests_only(ours: Deployable) -> None:
    image(ours, DIGEST)

    tag = image(ours, "1.2.4")
    digest = image(ours, OTHER)

    assert tag.code == 1
    assert "image.digest pins a digest, which wins over a tag" in tag.err
    assert digest.code == 0
    assert OTHER in text(ours)
    assert DIGEST not in text(ours)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("template", "values", "version", "edited"),
    [
        ('"r.invalid/a:{{ .Values.main_app.version }}"',
         "main_app:\n  version: 1.2.3\n", "1.2.4", "main_app:\n  version: 1.2.4\n"),
        ('"{{ .Values.docker.registry }}/{{ .Values.main_app.image }}'
         ':{{ .Values.main_app.version }}"',
         "docker: {registry: r.invalid}\nmain_app: {image: a, version: '1.2.3'}\n", "1.20",
         "docker: {registry: r.invalid}\nmain_app: {image: a, version: '1.20'}\n"),
        ('"r.invalid/a:{{ .Values.app.version }}"',
         "app:\n  version: 1.2.3 # x\n", "1.20", 'app:\n  version: "1.20" # x\n'),
        ('"r.invalid/a:v{{ .Values.app.version }}-slim"',
         "app:\n  version: 1.2.3\n", "v1.2.4-slim", "app:\n  version: 1.2.4\n"),
        ('"{{ .Values.picture }}"',
         "picture: r.invalid/a:1.2.3\n", "1.2.4", "picture: r.invalid/a:1.2.4\n"),
        ('"{{ .Values.picture }}"',
         "picture: r.invalid/a:1.2.3\n", DIGEST, f"picture: r.invalid/a@{DIGEST}\n"),
        ('"r.invalid/a@{{ .Values.pin }}"', f"pin: {DIGEST}\n", OTHER, f"pin: {OTHER}\n"),
        ('"r.invalid/a:{{ .Values.tag }}"', "tag: 12\n", "13", 'tag: "13"\n'),
        ('"r.invalid/a:{{ .Values.image.tag | default "1.0" }}"',
         "replicas: 1\n", "1.2.4", 'replicas: 1\nimage:\n  tag: "1.2.4"\n'),
    ],
)  # fmt: skip
def test_whatever_the_chart_calls_it(
    hand: Hand, template: str, values: str, version: str, edited: str
) -> None:
    service = hand({"app": template}, values, defaults="image: {tag: ''}\n")

    ended = image(service, version)

    assert ended.code == 0, ended.err
    assert text(service) == edited


@pytest.mark.slow
@pytest.mark.thorough
def test_a_repository_with_the_tag_in_its_name_is_left_alone(hand: Hand) -> None:
    service = hand(
        {"app": '"{{ .Values.repository }}:{{ .Values.version }}"'},
        "repository: r.invalid/app-1\nversion: '1'\n",
    )

    image(service, "2")

    assert text(service) == "repository: r.invalid/app-1\nversion: '2'\n"


@pytest.mark.slow
@pytest.mark.thorough
def test_several_images_need_a_choice(hand: Hand) -> None:
    service = hand(
        {"app": '"r.invalid/a:{{ .Values.app }}"', "proxy": '"r.invalid/p:{{ .Values.proxy }}"'},
        "app: '1.0'\nproxy: '2.0'\n",
    )

    unclear = image(service, "3.0")
    chosen = image(service, "3.0", "--container", "proxy")
    again = image(service, "3.0")
    typo = image(service, "3.0", "--container", "prxy")

    assert unclear.code == 64
    assert unclear.err.splitlines()[1:] == [
        "  app: r.invalid/a:1.0 (app)",
        "  proxy: r.invalid/p:2.0 (proxy)",
        f"  next: deploy image {service.name} 3.0 --container app",
    ]
    assert chosen.code == 0, chosen.err
    assert text(service) == "app: '1.0'\nproxy: '3.0'\n"
    assert again.code == 64, "what one of them has already is no reason to take the other"
    assert (typo.code, "did you mean proxy" in typo.err) == (3, True)


@pytest.mark.slow
@pytest.mark.thorough
def test_containers_with_one_tag_are_one_choice(hand: Hand) -> None:
    service = hand(
        {"web": '"r.invalid/w:{{ .Values.tag }}"', "job": '"r.invalid/j:{{ .Values.tag }}"'},
        "tag: '1.0'\n",
    )

    ended = image(service, "2.0")

    assert ended.code == 0, ended.err
    assert text(service) == "tag: '2.0'\n"


@pytest.mark.slow
@pytest.mark.thorough
def test_an_image_that_no_value_sets(hand: Hand) -> None:
    ended = image(hand({"app": "r.invalid/a:1.0"}, "replicas: 1\n"), "2.0")

    assert ended.code == 1
    assert "no value alone sets the tag of the image of container app" in ended.err


@pytest.mark.slow
@pytest.mark.thorough
def test_an_alias_is_left_to_people(hand: Hand) -> None:
    values = "tag: &tag '1.0'\nshown: *tag\n"
    service = hand({"app": '"r.invalid/a:{{ .Values.tag }}"'}, values)

    ended = image(service, "2.0")

    assert ended.code == 1
    assert "tag cannot be edited alone" in ended.err
    assert text(service) == values


@pytest.mark.slow
@pytest.mark.thorough
def test_what_the_chart_s_schema_refuses_is_not_written(ours: Deployable) -> None:
    schema = ours.root / "charts" / "echoserver" / "values.schema.json"
    body = json.loads(schema.read_text())
    body["properties"]["image"]["properties"]["tag"] = {"pattern": "^1\\."}
    schema.write_text(json.dumps(body))
    before = text(ours)

    ended = image(ours, "2.0.0")

    assert ended.code == 1
    assert "would not be valid with image.tag set to that" in ended.err
    assert "/tmp" not in ended.err
    assert text(ours) == before


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("word", ["latest", "a/b:1", "+"])
def test_what_is_no_tag_is_refused_before_anything_is_read(ours: Deployable, word: str) -> None:
    assert image(ours, word).code == 1


@pytest.mark.slow
@pytest.mark.thorough
def test_production_is_not_one_environment(ours: Deployable) -> None:
    ended = image(ours, "1.2.4", "--env", "production")

    assert ended.code == 64
    assert "codfw or eqiad" in ended.err
    assert image(ours, "1.2.4", "--env", "cofdw").code == 3


@pytest.mark.slow
@pytest.mark.thorough
def test_the_commit_has_that_file_and_nothing_else(ours: Deployable) -> None:
    (ours.root / "other").write_text("x")
    subprocess.run(["git", "add", "other"], cwd=ours.root, check=True)
    subprocess.run(["git", "config", "user.email", "ada@example.org"], cwd=ours.root, check=True)
    subprocess.run(["git", "config", "user.name", "Ada"], cwd=ours.root, check=True)

    ended = image(ours, "1.2.4", "--commit")
    created = image(ours, "1.2.5", "--commit", "--env", "codfw")

    assert (ended.code, created.code) == (0, 0), ended.err + created.err
    assert git(ours, "log", "-2", "--format=%s", "--name-only") == [
        f"{ours.name}: image 1.2.4 → 1.2.5",
        f"helmfile.d/services/{ours.name}/values-codfw.yaml",
        f"{ours.name}: image 1.2.3 → 1.2.4",
        f"helmfile.d/services/{ours.name}/values.yaml",
    ]
    assert git(ours, "status", "--porcelain") == ["A  other"]


@pytest.mark.slow
@pytest.mark.thorough
def test_a_file_with_other_changes_is_not_committed(ours: Deployable) -> None:
    file = ours.folder / "values.yaml"
    file.write_text(file.read_text() + "port: 8081\n")
    before = file.read_text()

    ended = image(ours, "1.2.4", "--commit")

    assert ended.code == 1
    assert "would have more in it than the image" in ended.err
    assert file.read_text() == before


@pytest.mark.slow
@pytest.mark.thorough
def test_the_registry_is_asked(ours: Deployable) -> None:
    file = ours.folder / "values.yaml"
    with serving(registry) as port:
        file.write_text(file.read_text().replace("registry.invalid", f"127.0.0.1:{port}")
                        .replace("1.2.3", "1.0.0"))  # fmt: skip
        missing = ours.run("deploy", "image", ours.name, "1.2.5")
        found = ours.run("deploy", "image", ours.name, "1.2.3", "-o", "json")

    assert missing.code == 1
    assert "has no 1.2.5; did you mean 1.2." in missing.err
    assert found.json["registry"][0]["presence"] == "there"
    assert '"1.2.3"' in file.read_text()


@pytest.mark.slow
@pytest.mark.thorough
def test_a_registry_that_does_not_answer_stops_nothing(ours: Deployable) -> None:
    with serving(registry) as port:
        pass
    file = ours.folder / "values.yaml"
    file.write_text(file.read_text().replace("registry.invalid", f"127.0.0.1:{port}"))

    ended = ours.run("deploy", "image", ours.name, "1.2.4")

    assert ended.code == 0
    assert f"! whether 127.0.0.1:{port}/app:1.2.4 exists is unknown" in ended.err
    assert '"1.2.4"' in file.read_text()


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize(("answer", "commits"), [("y", 2), ("n", 1)])
def test_on_a_terminal_it_asks_for_the_commit(ours: Deployable, answer: str, commits: int) -> None:
    subprocess.run(["git", "config", "user.email", "ada@example.org"], cwd=ours.root, check=True)
    subprocess.run(["git", "config", "user.name", "Ada"], cwd=ours.root, check=True)
    child = pexpect.spawn(
        str(PROGRAMS / "deploy"), ["image", ours.name, "1.2.4", "--no-check"], cwd=str(ours.root),
        env=ours.environ({"NO_COLOR": "1"}), timeout=60, encoding="utf-8",
    )  # fmt: skip

    child.expect_exact(f"Commit it as “{ours.name}: image 1.2.3 → 1.2.4”?")
    child.send(f"{answer}\r")
    child.expect_exact(f"next: deploy staging {ours.name}")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert '"1.2.4"' in text(ours)
    assert len(git(ours, "log", "--format=%s")) == commits


def git(service: Deployable, *words: str) -> list[str]:
    done = subprocess.run(
        ["git", *words], cwd=service.root, check=True, capture_output=True, text=True
    )
    return [line for line in done.stdout.splitlines() if line]
