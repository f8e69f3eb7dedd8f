# SPDX-License-Identifier: Apache-2.0
"""Compares every message that we declare with Kafka's own definitions, which the published kafka-clients jar carries.

For each served version the fields must agree in order, name, type, nullability, tag and, where a version may lack the
field, default. Needs maven and, once, the network: the jar is kept in build/. Without it the test fails.
"""
import json
import os
import pathlib
import re
import subprocess
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PENSTOCK_BUILD", ROOT / "build/dev"))
VERSION = "3.9.1"
JAR = ROOT / "build" / "jars" / f"kafka-clients-{VERSION}.jar"
INT16_MAX = 32767


@pytest.fixture(scope="session")
def jar():
    if not JAR.exists():
        JAR.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact=org.apache.kafka:kafka-clients:{VERSION}",
                        f"-DoutputDirectory={JAR.parent}"], check=True, timeout=600)
    return zipfile.ZipFile(JAR)


@pytest.fixture(scope="session")
def shapes():
    program = BUILD / "kafka_shapes"
    assert program.exists(), f"build it first: cmake --build {BUILD} --target kafka_shapes"
    return json.loads(subprocess.run([program], check=True, capture_output=True, text=True).stdout)


def definition(jar, name):
    text = jar.read(f"common/message/{name}.json").decode()
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))


def parse_range(text):
    if text == "none":
        return 1, 0
    if text.endswith("+"):
        return int(text[:-1]), INT16_MAX
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def within(versions, version):
    return versions[0] <= version <= versions[1]


def default_of(field, type_name):
    """What our declaration has to assume when the field is absent; None where it cannot matter."""
    default = field.get("default")
    if default is None:
        return {"bool": False, "string": ""}.get(type_name, 0 if type_name.startswith("int") else None)
    if default == "null":
        return None
    if type_name == "bool":
        return default in (True, "true")
    return int(str(default), 0) if type_name.startswith("int") else default


def theirs(fields, structs, version):
    """The fields of one version, in order, as comparable values."""
    result = []
    for field in fields:
        if not within(parse_range(field["versions"]), version):
            continue
        base = field["type"].removeprefix("[]")
        inner = field.get("fields") or structs.get(base)
        type_name = field["type"].replace(base, "struct") if inner else field["type"]
        result.append({
            "name": field["name"],
            "type": type_name,
            "nullable": within(parse_range(field.get("nullableVersions", "none")), version),
            "tag": field.get("tag", -1),
            "fields": theirs(inner, structs, version) if inner else [],
        })
    return result


def ours(fields, version):
    return [{
        "name": field["name"],
        "type": field["type"],
        "nullable": within(field["nullable"], version),
        "tag": field["tag"],
        "fields": ours(field["fields"], version),
    } for field in fields if within(field["versions"], version)]


def absent_defaults(their_fields, our_fields, structs, served, path=""):
    """Differences between defaults of fields that some served version lacks or that travel tagged."""
    by_name = {field["name"]: field for field in our_fields}
    for field in their_fields:
        mine = by_name.get(field["name"])
        if mine is None:
            continue
        base = field["type"].removeprefix("[]")
        inner = field.get("fields") or structs.get(base)
        if inner:
            yield from absent_defaults(inner, mine["fields"], structs, served, f"{path}{field['name']}.")
            continue
        versions = parse_range(field["versions"])
        may_lack = not (within(versions, served[0]) and within(versions, served[1])) or "tag" in field
        wanted = default_of(field, field["type"])
        if may_lack and wanted is not None and not mine["optional"] and mine["default"] != wanted:
            # Enumerations of ours may name "unknown" where Kafka's default is 0.
            if not (field["name"] in ("Source", "ConfigSource") and mine["default"] == -1):
                yield f"{path}{field['name']}: {mine['default']} instead of {wanted}"
        if mine["ignorable"] != (field.get("ignorable") in (True, "true")):
            yield f"{path}{field['name']}: ignorable"


def nullable_without_optional(fields, served, path=""):
    for field in fields:
        nullable = max(field["nullable"][0], served[0]) <= min(field["nullable"][1], served[1])
        if nullable != field["optional"]:
            yield f"{path}{field['name']}"
        yield from nullable_without_optional(field["fields"], served, f"{path}{field['name']}.")


def test_every_message_has_kafkas_shape(jar, shapes):
    assert len(shapes) >= 21
    compared = 0
    for api in shapes:
        for direction in ("request", "response"):
            name = api["name"] + direction.capitalize()
            kafka = definition(jar, name)
            structs = {s["name"]: s["fields"] for s in kafka.get("commonStructs", [])}
            first, last = api["versions"]
            assert kafka["apiKey"] == api["key"], name
            valid = parse_range(kafka["validVersions"])
            assert within(valid, first) and within(valid, last), name
            for version in range(first, last + 1):
                flexible = within(parse_range(kafka["flexibleVersions"]), version)
                assert (version >= api["flexible_since"]) == flexible, f"{name} v{version}"
                assert ours(api[direction], version) == theirs(kafka["fields"], structs, version), f"{name} v{version}"
                compared += 1
            assert list(absent_defaults(kafka["fields"], api[direction], structs, (first, last))) == [], name
            assert list(nullable_without_optional(api[direction], (first, last))) == [], name
    assert compared > 200


def test_a_wrong_declaration_is_found(jar, shapes):
    """The comparison itself: one changed word in our shape must not pass."""
    api = next(a for a in shapes if a["name"] == "OffsetCommit")
    kafka = definition(jar, "OffsetCommitRequest")
    for key, wrong in (("type", "int64"), ("name", "Group"), ("tag", 3), ("nullable", [0, INT16_MAX])):
        changed = json.loads(json.dumps(api["request"]))
        changed[0][key] = wrong
        assert ours(changed, 8) != theirs(kafka["fields"], {}, 8), key
    swapped = json.loads(json.dumps(api["request"]))
    swapped[0], swapped[1] = swapped[1], swapped[0]
    assert ours(swapped, 8) != theirs(kafka["fields"], {}, 8)
