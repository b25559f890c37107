"""Values as Helm and Kubernetes accept them: numbers, nulls, and those of an umbrella chart."""

import itertools
import json
import re
import shutil

import pytest
import yaml

from tests.chart.helm import (
    CHART,
    MAJORS,
    containers,
    decode,
    helm,
    pods,
    render,
    select,
    settings,
    template,
)

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
# Null means none: no request, no limit, or an id that the cluster assigns.
OPTIONAL = re.compile(r"[rR]esources|podSecurityContext")
CERTIFICATE = settings(database__bundled__existingTLSSecret="database-tls")


def paths(values, prefix=""):
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{key}.")


def comparable(manifests):
    """Return the objects without what is generated at random."""
    text = re.sub(r"(checksum/credentials|-[0-9a-f]{8}$).*", "", manifests, flags=re.MULTILINE)
    return [found for found in yaml.safe_load_all(text) if found and found["kind"] != "Secret"]


@pytest.mark.parametrize("path", list(paths(VALUES)))
def test_a_value_that_is_null_is_refused_by_name_or_changes_nothing_else(path):
    result = helm(4, "template", "app", str(CHART), *CERTIFICATE, "--set", f"{path}=null")
    if OPTIONAL.search(path):
        assert decode(result.stdout)
        assert ": null" not in result.stdout
    elif result.returncode:
        assert path.rsplit(".", 1)[-1] in result.stderr
        assert "nil pointer" not in result.stderr
    else:
        default = template(CHART, 4, *CERTIFICATE)
        assert comparable(result.stdout) == comparable(default)


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("text", ["users:", "users:\n  image:", "users: {image: {repository: }}"])
def test_a_bare_section_of_a_service_is_refused_with_a_sentence(text, major, tmp_path):
    (tmp_path / "values.yaml").write_text(text)
    options = ("--values", str(tmp_path / "values.yaml"))
    result = helm(major, "template", "app", str(CHART), *options)
    assert "users.image.repository is empty" in result.stderr


@pytest.mark.parametrize("major", MAJORS)
def test_an_override_that_is_null_is_refused_by_name(major, tmp_path):
    (tmp_path / "values.yaml").write_text("users:\n  workers:\n")
    options = ("--values", str(tmp_path / "values.yaml"))
    result = helm(major, "template", "app", str(CHART), *options)
    assert result.returncode != 0
    assert "workers" in result.stderr


def test_ids_that_are_null_are_left_to_the_cluster():
    options = [
        f"{prefix}podSecurityContext.{name}=null"
        for prefix in ("", "database.bundled.")
        for name in ("runAsUser", "runAsGroup", "fsGroup")
    ]
    for pod in pods(render(4, "--set", ",".join(options))).values():
        context = pod["spec"]["securityContext"]
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & context.keys()
        assert context["runAsNonRoot"] is True


QUANTITIES = {"cpu": 0.5, "memory": 536870912}


@pytest.mark.parametrize("major", MAJORS)
def test_quantities_may_be_numbers_and_any_resource_may_be_requested(major, tmp_path):
    values = {"defaults": {"resources": {"limits": {**QUANTITIES, "example.com/gpu": 1}}}}
    (tmp_path / "values.json").write_text(json.dumps(values))
    objects = decode(template(CHART, major, "--values", str(tmp_path / "values.json")))
    (deployment,) = select(objects, "Deployment", "app-users")
    for container in containers(deployment["spec"]["template"]):
        assert container["resources"]["limits"] == {
            "cpu": "0.5",
            "memory": "536870912",
            "example.com/gpu": "1",
        }


@pytest.mark.parametrize("quantity", ["0.5", "1e3", "2E", "100u", ".5", "5.", "1Pi"])
def test_every_notation_of_a_quantity_is_accepted(quantity):
    assert render(4, *settings(defaults__resources__requests__memory=quantity))


@pytest.mark.parametrize("major", MAJORS)
def test_a_tag_that_yaml_would_shorten_is_refused(major, tmp_path):
    (tmp_path / "values.yaml").write_text("users: {image: {tag: 1.10}}")
    options = ("--values", str(tmp_path / "values.yaml"))
    result = helm(major, "template", "app", str(CHART), *options)
    assert result.returncode != 0
    assert "tag" in result.stderr


def umbrella(folder, *entries):
    """Make a chart that depends on this one, once or by aliases, and return its folder."""
    chart = folder / "umbrella"
    shutil.copytree(CHART, chart / "charts" / "random")
    dependencies = [{"name": "random", "version": "1.0.0", **entry} for entry in entries]
    chart_file = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**chart_file, "dependencies": dependencies}))
    return chart


@pytest.mark.parametrize("major", MAJORS)
def test_an_umbrella_chart_can_switch_the_chart_off_and_has_global_values(major, tmp_path):
    chart = umbrella(tmp_path, {"condition": "random.enabled"})
    on = template(chart, major, *settings(random__enabled="true", global__imageRegistry="x"))
    assert select(list(yaml.safe_load_all(on)), "Deployment", "app-users")
    off = template(chart, major, *settings(random__enabled="false"))
    assert not [found for found in yaml.safe_load_all(off) if found]


def test_the_chart_itself_cannot_be_switched_off():
    result = helm(4, "template", "app", str(CHART), *settings(enabled="false"))
    assert "enabled=false works for the condition of a dependency" in result.stderr


def selectors(objects):
    """Return every label selector with what has it, as (title, labels)."""
    for found in objects:
        spec = found.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector")
        if selector:
            labels = selector.get("matchLabels", selector)
            yield f"{found['kind']} {found['metadata']['name']}", labels


ALIASES = [
    [{}, {"alias": "second"}],
    [{"alias": "first"}, {"alias": "second"}],
]


@pytest.mark.parametrize("entries", ALIASES)
@pytest.mark.parametrize("overridden", [0, 1])
@pytest.mark.parametrize("major", MAJORS)
def test_two_aliases_in_one_umbrella_chart_do_not_select_each_others_pods(
    entries, overridden, major, tmp_path
):
    names = [entry.get("alias", "random") for entry in entries]
    options = settings(**{f"{names[overridden]}__fullnameOverride": "other"})
    text = template(umbrella(tmp_path, *entries), major, *options)
    objects = [found for found in yaml.safe_load_all(text) if found]
    templates = pods(objects)
    prefixes = {title: title.split()[1].split("-")[0] for title in templates}
    assert set(prefixes.values()) == {"app", "other"}
    for (title, labels), pod in itertools.product(selectors(objects), templates):
        if labels.items() <= templates[pod]["metadata"]["labels"].items():
            assert title.split()[1].split("-")[0] == prefixes[pod], f"{title} selects {pod}"


@pytest.mark.parametrize("major", MAJORS)
def test_two_aliases_with_the_same_names_are_refused(major, tmp_path):
    result = helm(major, "template", "app", str(umbrella(tmp_path, *ALIASES[0])))
    assert "Two aliases of this chart would both name their objects app-" in result.stderr


@pytest.mark.parametrize("options", [(), settings(fullnameOverride="other")])
def test_a_release_of_the_chart_keeps_the_selectors_that_cannot_change(options):
    for found in render(4, *options):
        if found["kind"] in ("Deployment", "StatefulSet"):
            component = found["metadata"]["name"].split("-")[1]
            assert found["spec"]["selector"]["matchLabels"] == {
                "app.kubernetes.io/name": "random",
                "app.kubernetes.io/instance": "app",
                "app.kubernetes.io/component": component,
            }
        if found["kind"] == "StatefulSet":
            assert found["spec"]["serviceName"] == found["metadata"]["name"]
