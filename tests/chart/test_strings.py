"""Strings that YAML may read as other types, in every place of the values that takes strings."""

import base64
import json
import re

import jsonschema
import pytest
import yaml

from tests.chart.helm import CHART, decode, helm, template

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
# Each is set in all places that the schema allows it in.
AWKWARD = [
    *("1234", "1e3", "0x10", "0o17", "017", "1_000", "1.50", ".5", "12:30:45", "2026-11-28"),
    *(
        "y",
        "no",
        "on",
        "true",
        "null",
        "~",
        "=",
        "<<",
        "-",
        "- a",
        "? a",
        "!a",
        "&a",
        "*a",
        "%",
        "@",
    ),
    *(
        "a: b",
        "a #b",
        "'",
        '"',
        "\\",
        "{a}",
        "[a]",
        "{{ .Values }}",
        " a ",
        "a\nb\n",
        "\t",
        "üπ\u2028",
    ),
    *(12345678, 7, True),
]
# Values that switch on what others need; existing Secrets and given passwords exclude each other.
BASES = {
    "bundled": (
        {
            "defaults": {"secretKey": "a secret key that is long enough"},
            "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}]},
            "jwt": {"enabled": True, "jwksURI": "https://issuer.example.com/keys"},
            "serviceMonitor": {"enabled": True},
            "prometheusRule": {"enabled": True},
            "retention": {"enabled": True},
            "verifiableDraws": {
                "enabled": True,
                "secret": "a secret that is long enough for draws",
            },
        },
        r"existing(Secret|DatabaseSecret|OwnerSecret|AdminSecret)$|secretKeyFallbacks|userClaim",
    ),
    "external": (
        {
            "database": {"maxConnections": 300},
            "ingress": {"enabled": True},
            "authentication": "tokens",
            "jwt": {"jwksURI": "https://issuer.example.com/keys"},
            "verifiableDraws": {"enabled": True},
        },
        r"[pP]assword$|secretKey|verifiableDraws.secret$",
    ),
    "cloudnative-pg": (
        {"database": {"maxConnections": 300, "cnpg": {"readFromReplicas": True}}},
        r"[pP]assword$|secretKey|userClaim|verifiableDraws.secret$",
    ),
}
ENABLED = {"database": {"cnpg": {"backup": {"enabled": True}}}}


def resolve(schema):
    while "$ref" in schema or "allOf" in schema:
        if "allOf" in schema:
            schema = schema["allOf"][0]
        else:
            schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def places(schema, path=()):
    """Yield the path and the schema of every value that may be a string."""
    schema = resolve(schema)
    if "string" in schema.get("type", ()):
        yield path, schema
    for key, inner in schema.get("properties", {}).items():
        yield from places(inner, (*path, key))
    if isinstance(schema.get("additionalProperties"), dict):
        yield from places(schema["additionalProperties"], (*path, "key"))
    if "items" in schema:
        for index, inner in enumerate(schema["items"].get("oneOf", [schema["items"]])):
            yield from places(inner, (*path, index))


def allows(schema, value):
    return jsonschema.Draft7Validator(schema).is_valid(value)


PLACES = [
    (path, schema)
    for path, schema in places(SCHEMA)
    if any(allows(schema, value) for value in AWKWARD) and path[-3:] != ("extraEnv", 0, "name")
]


def plain(index, schema):
    """Return a string that nothing else contains."""
    text, quantity = f"plain{index:03}x", f"{7000 + index}m"
    return text if allows(schema, text) else quantity


def put(values, path, value):
    """Set a value at a path through mappings and lists."""
    key, *rest = path
    if isinstance(values, list) and key == len(values):
        values.append(None)
    if not rest:
        values[key] = value
        return
    if values.get(key) is None if isinstance(values, dict) else values[key] is None:
        values[key] = [] if isinstance(rest[0], int) else {}
    put(values[key], rest, value)


def merge(*layers):
    merged = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, dict):
                merged[key] = merge(merged.get(key, {}), value)
            else:
                merged[key] = value
    return merged


def write(file, mode, words):
    """Write a file of values with the words of all places that the mode uses."""
    enabled, excluded = BASES[mode]
    values = merge(ENABLED, {"database": {"mode": mode}}, enabled)
    for (path, _), word in zip(PLACES, words, strict=True):
        if not re.search(excluded, ".".join(map(str, path))):
            put(values, path, word)
    for service in ("defaults", "users", "numbers"):
        for variable in values.get(service, {}).get("extraEnv", []):
            variable["name"] = "EXTRA"
    file.write_text(json.dumps(values))
    return "--values", str(file)


def readable(found):
    """Return the objects without hashes of their content, and with the text of Secrets."""
    if isinstance(found, dict):
        return {
            key: {name: base64.b64decode(text).decode() for name, text in value.items()}
            if key == "data"
            else readable(value)
            for key, value in found.items()
            if not key.startswith("checksum/")
        }
    if isinstance(found, list):
        return [readable(each) for each in found]
    return re.sub(r"-[0-9a-f]{8}$", "", found) if isinstance(found, str) else found


def replace(found, words):
    """Return the objects with words replaced, in keys as well."""
    if isinstance(found, dict):
        return {replace(key, words): replace(value, words) for key, value in found.items()}
    if isinstance(found, list):
        return [replace(each, words) for each in found]
    if isinstance(found, str):
        return re.sub(r"plain\d{3}x|\b7\d{3}m\b", lambda word: words[word[0]], found)
    return found


def shown(value):
    return value if isinstance(value, str) else json.dumps(value)


PLAIN = [plain(index, schema) for index, (_, schema) in enumerate(PLACES)]


@pytest.fixture(scope="module", params=BASES)
def rendered(request, tmp_path_factory):
    """A mode, and the objects with a plain word in every place."""
    file = tmp_path_factory.mktemp("values") / "plain.json"
    text = template(CHART, 4, *write(file, request.param, PLAIN))
    return request.param, readable(decode(text))


@pytest.mark.parametrize("value", AWKWARD, ids=repr)
def test_a_string_stays_the_string_that_it_is_in_every_place(rendered, value, tmp_path):
    mode, expected = rendered
    used = [
        value if allows(schema, value) else word
        for (_, schema), word in zip(PLACES, PLAIN, strict=True)
    ]
    words = dict(zip(PLAIN, map(shown, used), strict=True))
    text = template(CHART, 4, *write(tmp_path / "values.json", mode, used))
    assert readable(decode(text)) == replace(expected, words)


def test_every_place_is_rendered_in_some_mode(tmp_path):
    text = ""
    for mode in BASES:
        manifests = template(CHART, 4, *write(tmp_path / "values.json", mode, PLAIN))
        text += json.dumps(readable(decode(manifests)))
    # Those of `defaults` are overridden, and the revision is only hashed.
    unused = {
        ".".join(map(str, path))
        for (path, _), word in zip(PLACES, PLAIN, strict=True)
        if word not in text and path[0] != "defaults" and path[-1] != "credentialsRevision"
    }
    assert unused == set()


@pytest.mark.parametrize("name", ["y", "n", "null", "true", "on", "e1"])
@pytest.mark.parametrize("namespace", ["1234", "1e3", "0x10", "null", "y"])
def test_names_of_releases_and_namespaces_stay_strings(name, namespace):
    def objects(release, space):
        text = helm(4, "template", release, str(CHART), "--namespace", space, *CERTIFICATE).stdout
        return readable(decode(text))

    expected = objects("plain000x", "plain001x")
    words = {"plain000x": name, "plain001x": namespace}
    assert without_data(objects(name, namespace)) == without_data(replace(expected, words))


CERTIFICATE = ("--set", "database.bundled.existingTLSSecret=tls")


def without_data(objects):
    """Return the objects without generated passwords."""
    return [{key: value for key, value in found.items() if key != "data"} for found in objects]


@pytest.mark.parametrize("name", ["1e3", "1234", "0x10"])
def test_a_release_whose_name_is_a_number_needs_only_another_prefix(name):
    result = helm(4, "template", name, str(CHART), "--set", "fullnameOverride=app")
    for found in decode(result.stdout):
        assert found["metadata"]["labels"]["app.kubernetes.io/instance"] == name
