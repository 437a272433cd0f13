"""What is rendered, and that what is skipped cannot change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.review.review_builders import SERVICES, Repo, changes

pytestmark = pytest.mark.slow

PLAIN = """\
bases: [../../environments.yaml]
---
releases:
  - name: main
    namespace: plain
    chart: ../../../charts/web
    missingFileHandler: Debug
    values: LAYERS
"""


def plain(layers: str) -> str:
    return PLAIN.replace("LAYERS", layers)


ALL = ("codfw", "eqiad", "staging")


def test_nothing_changes_in_a_clean_tree(repo: Repo) -> None:
    assert not repo.review().has_changes


def test_a_value_changes_its_service_everywhere(repo: Repo) -> None:
    repo.service("other")
    repo.commit()
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")

    found = repo.reviewed_both_ways()

    assert changes(found) == {f"{e} web/main: Deployment spec.replicas 2 -> 3" for e in ALL}
    assert found.counts.skipped_services == 1


def test_a_chart_reaches_all_its_services_and_fixtures(repo: Repo) -> None:
    repo.service("second")
    repo.chart("lonely")
    repo.service("third", chart="lonely")
    repo.write("charts/web/fixtures/many.yaml", "replicas: 9\n")
    repo.commit()
    repo.edit("charts/web/templates/deployment.yaml", "name: first", "name: second")

    found = repo.reviewed_both_ways()

    assert {line.split(":")[0] for line in changes(found)} == {
        f"{environment} {service}/main" for environment in ALL for service in ("web", "second")
    }
    assert {line.split(":")[0] for line in changes(found, of_fixtures=True)} == {
        "fixtures web/defaults", "fixtures web/many",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "file", "names"),
    [
        ("fixtures", "big.yaml", {"defaults", "big"}),
        (".fixtures", "big.yaml", {"defaults", "big"}),
        ("ci", "big-values.yaml", {"big"}),
    ],
)
def test_fixtures_are_found_where_people_put_them(
    repo: Repo, folder: str, file: str, names: set[str]
) -> None:
    repo.write(f"charts/web/{folder}/{file}", "replicas: 9\n")
    repo.write("charts/web/ci/notes.yaml", "replicas: 1\n")
    repo.commit()
    repo.edit("charts/web/values.yaml", "tag: '1.0'", "tag: '2.0'")

    tried = changes(repo.review(), of_fixtures=True)

    assert {line.split(":")[0].split("/")[1] for line in tried} == names


def test_a_layer_through_a_link_is_an_input(repo: Repo) -> None:
    repo.write("shared/common.yaml", "replicas: 4\n")
    repo.hand_written("plain", plain("[common.yaml]"))
    repo.link(f"{SERVICES}/plain/common.yaml", "../../../shared/common.yaml")
    repo.commit()
    repo.write("shared/common.yaml", "replicas: 5\n")

    assert changes(repo.reviewed_both_ways()) == {
        f"{e} plain/main: Deployment spec.replicas 4 -> 5" for e in ALL
    }


def test_a_template_through_a_linked_folder_is_an_input(repo: Repo) -> None:
    repo.write("modules/extra.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n")
    repo.link("charts/web/templates/modules", "../../../modules")
    repo.commit()
    repo.edit("modules/extra.yaml", "one", "two")

    found = repo.reviewed_both_ways()

    assert len({line.split(":")[0] for line in changes(found)}) == len(ALL)


def test_a_file_that_a_state_reads_is_an_input(repo: Repo) -> None:
    repo.write("shared/tag", "7.0")
    state = plain('[{tag: {{ readFile "../../../shared/tag" | quote }}}]')
    repo.hand_written("plain", state, file="helmfile.yaml.gotmpl")
    repo.commit()
    repo.write("shared/tag", "8.0")

    found = repo.reviewed_both_ways()

    assert len(changes(found)) == len(ALL)
    assert all("7.0 -> registry.example/app:8.0" in line for line in changes(found))


def test_an_optional_layer_that_appears_is_an_input(repo: Repo) -> None:
    repo.values("web", {"replicas": 7}, "values-eqiad.yaml")

    assert changes(repo.reviewed_both_ways()) == {"eqiad web/main: Deployment spec.replicas 2 -> 7"}


def test_layers_of_another_folder_with_computed_names_are_inputs(repo: Repo) -> None:
    repo.write("shared/eqiad.yaml", "replicas: 4\n")
    state = plain('["../../../shared/{{ .Environment.Name }}.yaml"]')
    repo.hand_written("plain", state, file="helmfile.yaml.gotmpl")
    repo.commit()
    repo.write("shared/eqiad.yaml", "replicas: 5\n")

    assert changes(repo.reviewed_both_ways()) == {
        "eqiad plain/main: Deployment spec.replicas 4 -> 5"
    }


def test_the_facts_of_an_environment_are_inputs_of_all(repo: Repo) -> None:
    repo.service("second")
    repo.commit()
    repo.write("helmfile.d/defaults/eqiad.yaml", "tag: '9'\n")

    targets = {line.split(":")[0] for line in changes(repo.reviewed_both_ways())}

    assert targets == {"eqiad web/main", "eqiad second/main"}


@pytest.mark.parametrize(
    "template",
    [
        '{{ exec "cat" (list "../../../elsewhere") | quote }}',
        '{{ readFile (printf "../../../%s" "elsewhere") | quote }}',
    ],
)
def test_what_cannot_be_told_from_the_text_is_always_rendered(repo: Repo, template: str) -> None:
    repo.write("elsewhere", "7.0")
    repo.hand_written("plain", plain(f"[{{tag: {template}}}]"), file="helmfile.yaml.gotmpl")
    repo.commit()
    repo.write("elsewhere", "8.0")

    found = repo.review()

    assert len(changes(found)) == len(ALL)
    assert any("plain is always rendered" in each for each in found.remarks)


def test_an_environment_variable_decides_what_is_remembered(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = plain('[{tag: {{ env "TAG" | quote }}}, values.yaml]')
    repo.hand_written("plain", state, file="helmfile.yaml.gotmpl")
    repo.values("plain", {"replicas": 1})
    repo.commit()
    repo.values("plain", {"replicas": 2})
    for tag in ("one", "two"):
        monkeypatch.setenv("TAG", tag)
        found = repo.review()
        heads = [str(document.body) for each in found.differences for document in each.head]
        assert any(f"registry.example/app:{tag}" in body for body in heads)


def test_edits_without_effect_are_said_to_be(repo: Repo) -> None:
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 0x2 # two")

    found = repo.review()

    assert not found.has_changes
    assert any("no effect" in each and "web" in each for each in found.remarks)


def test_harmless_refactorings_change_nothing(repo: Repo) -> None:
    repo.values("web", {"name": "web", "replicas": 2, "env": {"A": "x", "B": "x", "C": "10"}})
    repo.commit()
    repo.write(
        f"{SERVICES}/web/values.yaml",
        "# moved keys, another style, an anchor, quotes\n"
        "env: {'C': \"10\", B: &same x, A: *same}\n"
        'replicas: 0x2\nname: "web"\n',
    )
    repo.edit("charts/web/templates/deployment.yaml", "kind: Deployment\n", "")
    repo.edit(
        "charts/web/templates/deployment.yaml", "spec:\n  rep", "kind: Deployment\nspec:\n  rep"
    )
    repo.edit(
        "charts/web/templates/deployment.yaml", "          env:", "          # all\n          env:"
    )
    repo.edit("charts/web/templates/secret.yaml", "{name: {{", "{'name': {{")

    found = repo.reviewed_both_ways()

    assert not found.has_changes
    assert found.counts.rendered == 2 * (len(ALL) + 1)


def test_an_edit_that_another_layer_overrides_names_the_overriding_line(repo: Repo) -> None:
    for environment in ("codfw", "eqiad"):
        repo.write(f"{SERVICES}/web/values-{environment}.yaml", "# more\nreplicas: 7\n")
    repo.commit()
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")

    found = repo.review()

    assert changes(found) == {"staging web/main: Deployment spec.replicas 2 -> 3"}
    assert (
        f"{SERVICES}/web/values.yaml:2 has no effect in codfw, eqiad: "
        "values-codfw.yaml:2, values-eqiad.yaml:2 override it"
    ) in found.remarks
    assert not any("no effect on what is deployed" in each for each in found.remarks)


def test_an_overridden_edit_beside_one_with_effect_is_told(repo: Repo) -> None:
    repo.write(f"{SERVICES}/web/values-eqiad.yaml", "replicas: 7\n")
    repo.commit()
    repo.values("web", {"name": "web", "replicas": 3, "tag": "2.0"})

    found = repo.review()

    assert len([line for line in changes(found) if "image" in line]) == len(ALL)
    assert (
        f"{SERVICES}/web/values.yaml:2 has no effect in eqiad: values-eqiad.yaml:1 overrides it"
    ) in found.remarks


def test_an_edit_that_only_the_canary_overrides_names_the_canary(repo: Repo) -> None:
    repo.service("two", releases='"canary" "main"')
    repo.write(f"{SERVICES}/two/values-canary.yaml", "replicas: 1\n")
    repo.commit()
    repo.edit(f"{SERVICES}/two/values.yaml", "replicas: 2", "replicas: 3")

    remarks = repo.review().remarks

    assert (
        f"{SERVICES}/two/values.yaml:2 has no effect in staging (canary), codfw (canary), "
        "eqiad (canary): values-canary.yaml:1 overrides it"
    ) in remarks


def test_edits_that_win_are_not_called_overridden(repo: Repo) -> None:
    repo.write(f"{SERVICES}/web/values-eqiad.yaml", "replicas: 7\n")
    repo.commit()
    repo.edit(f"{SERVICES}/web/values-eqiad.yaml", "7", "8")
    repo.edit(f"{SERVICES}/web/values.yaml", "name: web", "name: webb")

    assert repo.review().idle == ()


def test_a_new_service_and_one_that_goes(repo: Repo) -> None:
    repo.service("gone")
    repo.commit()
    repo.git("rm", "-rq", f"{SERVICES}/gone")
    repo.service("new")

    found = changes(repo.reviewed_both_ways())

    assert {line for line in found if " gone/" in line and "Deployment" in line} == {
        f"{environment} gone/main: Deployment remove" for environment in ALL
    }
    assert {line for line in found if " new/" in line and "Deployment" in line} == {
        f"{environment} new/main: Deployment add" for environment in ALL
    }


def test_a_remote_chart_is_not_reached_by_a_change_here(repo: Repo) -> None:
    state = plain("[values.yaml]").replace("../../../charts/web", "stable/web\n    version: 1.2.3")
    repo.hand_written("plain", state)
    repo.values("plain", {"replicas": 1})
    repo.commit()
    repo.edit("charts/web/templates/deployment.yaml", "name: first", "name: second")

    found = repo.review()

    assert not any(" plain/" in line for line in changes(found))
    assert any("plain uses stable/web 1.2.3" in each for each in found.remarks)


def test_random_fields_are_left_out(repo: Repo) -> None:
    repo.write(
        "charts/web/templates/random.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: random}\n"
        "data: {value: {{ randAlphaNum 12 | quote }}}\n",
    )
    repo.commit()
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")

    found = repo.review()

    assert changes(found) == {f"{e} web/main: Deployment spec.replicas 2 -> 3" for e in ALL}
    assert any("random" in each for each in found.remarks)


def test_several_releases_in_one_state_with_needs_and_inline_values(repo: Repo) -> None:
    repo.hand_written(
        "plain",
        "bases: [../../environments.yaml]\n---\nreleases:\n"
        + "".join(
            f"  - name: {name}\n    namespace: plain\n    chart: ../../../charts/web\n"
            f"    needs: {needs}\n    values: [{{replicas: 3}}, values.yaml]\n"
            for name, needs in (("production", "[]"), ("batch", "[plain/production]"))
        ),
    )
    repo.values("plain", {"tag": "a"})
    repo.commit()
    repo.values("plain", {"tag": "b"})

    targets = {line.split(":")[0] for line in changes(repo.reviewed_both_ways())}

    assert targets == {f"{e} plain/{r}" for e in ALL for r in ("production", "batch")}


def test_reviewing_leaves_the_repository_alone(repo: Repo, tmp_path: Path) -> None:
    repo.edit(f"{SERVICES}/web/values.yaml", "replicas: 2", "replicas: 3")
    repo.write(f"{SERVICES}/web/values-eqiad.yaml", "replicas: 4\n")
    repo.write(".gitignore", "/ignored\n")
    before = (repo.git("status", "--porcelain"), repo.git("count-objects"))

    repo.review()

    assert (repo.git("status", "--porcelain"), repo.git("count-objects")) == before
