"""helmfile's state, read exactly and without side effects."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploycharts.errors import UnknownName, UserError
from deploycharts.rendering.release import Release, evaluate
from deploycharts.rendering.render import render
from tests.services import Deployable

pytestmark = pytest.mark.slow


@pytest.fixture
def service(tmp_path: Path) -> Deployable:
    """A service whose clusters do not exist; reading needs none."""
    return Deployable(tmp_path, None)


def _evaluate(service: Deployable, environment: str = "staging") -> tuple[Release, ...]:
    repository = service.repository
    return evaluate(
        repository, repository.service(service.name), repository.environment(environment)
    )


def test_layers_come_in_helm_s_order_with_their_files(service: Deployable) -> None:
    service.write("values-main-eqiad.yaml", {"replicas": 7})

    main = {release.target.release: release for release in _evaluate(service, "eqiad")}["main"]

    here = f"helmfile.d/services/{service.name}"
    assert [str(layer.source) for layer in main.layers] == [
        "helmfile.d/defaults/eqiad.yaml", f"{here}/values.yaml", f"{here}/private.example.yaml",
        f"{here}/values-main-eqiad.yaml",
    ]  # fmt: skip
    assert [layer.secret for layer in main.layers] == [False, False, True, False]
    assert f"{here}/values-eqiad.yaml" in main.missing


def test_a_checkout_below_a_folder_called_private_has_the_same_secrets(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    service = Deployable(tmp_path / "private" / "charts", None)

    (_, main) = _evaluate(service)

    assert [each.source.path for each in main.layers if each.secret] == [
        f"helmfile.d/services/{service.name}/private.example.yaml"
    ]


def test_a_layer_into_which_secrets_are_fetched_is_secret(service: Deployable) -> None:
    (service.root / "token").write_text("s3cret-token")
    service.write(
        "values-staging.yaml", {"config": {"env": {"T": f"ref+file://{service.root}/token"}}}
    )

    (canary, _) = _evaluate(service)
    layer = next(each for each in canary.layers if each.source.path.endswith("-staging.yaml"))

    assert b"s3cret-token" in layer.content
    assert layer.secret


def test_what_helm_quotes_of_a_secret_layer_is_masked(service: Deployable) -> None:
    service.write("private.example.yaml", {"secrets": {"env": {"TOKEN": "correct-horse"}}})
    template = service.root / "charts" / "echoserver" / "templates" / "secret.yaml"
    template.write_text('{{ fail (printf "%s is too old" .Values.secrets.env.TOKEN) }}')

    with pytest.raises(UserError, match="does not render") as raised:
        render(_evaluate(service))

    assert "<secret " in raised.value.why
    assert "is too old" in raised.value.why
    assert "correct-horse" not in raised.value.why


def test_releases_come_in_the_order_of_their_needs(service: Deployable) -> None:
    assert [release.target.release for release in _evaluate(service)] == ["canary", "main"]


def test_the_fingerprint_follows_layers_and_chart_and_nothing_else(service: Deployable) -> None:
    before = [release.fingerprint for release in _evaluate(service)]
    again = [release.fingerprint for release in _evaluate(service)]

    service.write("values-canary.yaml", {"canary": True, "replicas": 2})
    canary, main = (release.fingerprint for release in _evaluate(service))
    (service.root / "charts" / "echoserver" / "README.md").write_text("changed")
    chart = [release.fingerprint for release in _evaluate(service)]

    assert before == again
    assert (canary != before[0], main == before[1]) == (True, True)
    assert not set(chart) & {canary, main}


def test_what_helm_renders_is_what_plain_helmfile_renders(service: Deployable) -> None:
    state = str(service.folder / "helmfile.yaml.gotmpl")
    plain = service.run("helmfile", "-f", state, "-e", "codfw", "template", "--skip-deps")

    rendered = render(_evaluate(service, "codfw"))

    ours = [str(document.key) for each in rendered for document in each.documents]
    assert plain.code == 0, plain.err
    assert ours
    assert plain.out.count("\nkind: ") >= len(ours)


def test_hooks_do_not_run_when_somebody_looks(service: Deployable) -> None:
    witness = service.root / "witness"
    hook = f"{{events: [prepare, cleanup, presync], command: touch, args: [{witness}]}}"
    state = service.folder / "helmfile.yaml.gotmpl"
    state.write_text(f"{state.read_text()}\n---\nhooks: [{hook}]\n")
    common = service.root / "helmfile.d" / "release.yaml.gotmpl"
    common.write_text(
        common.read_text().replace("    labels:\n", f"    hooks: [{hook}]\n    labels:\n")
    )

    releases = _evaluate(service)

    assert [release.hooked for release in releases] == [True, True]
    assert not witness.exists()


def test_a_service_without_releases_in_an_environment_says_so(service: Deployable) -> None:
    state = service.folder / "helmfile.yaml.gotmpl"
    state.write_text(state.read_text().replace('(list "canary" "main")', "(list)"))

    with pytest.raises(UnknownName, match="has no release in staging"):
        _evaluate(service)
