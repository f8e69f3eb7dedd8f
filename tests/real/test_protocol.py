# SPDX-License-Identifier: Apache-2.0
"""The versions of CQL's protocol in front of a real Cassandra: the pipeline writes over each, while its table is altered, what the built-in store has."""
import json
import random
import subprocess

import pytest

import harness
from test_security import configured

PEOPLE = 20_000
LONG = "".join(random.Random(5).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=400_000))  # in no segment as a whole, nor when packed
TABLE = "spark_streams.created_users"


@pytest.fixture(scope="module")
def people():
    lines = subprocess.run([str(harness.BINARY), "generate", "--count", str(PEOPLE), "--seed", "21"], check=True, capture_output=True, text=True)
    people = lines.stdout.splitlines()
    return [*people, json.dumps({**json.loads(people[0]), "id": "long", "address": LONG})]


def rows(node):
    # A name in the way of SELECT * is what the test has added itself.
    return sorted(({key: value for key, value in row.items() if key != "note"} for row in node.rows(f"SELECT * FROM {TABLE}")), key=lambda row: row["id"])


@pytest.fixture(scope="module")
def expected(people, tmp_path_factory):
    with harness.Penstock(tmp_path_factory.mktemp("built-in")) as node:
        node.produce(*people)
        node.drained(len(people), 60)
        return rows(node)


@pytest.mark.parametrize("version, compression, spoken", [("auto", "none", 5), ("auto", "lz4", 5), (5, "lz4", 5), (4, "lz4", 4), (3, "none", 3)])
def test_rows_over(version, compression, spoken, real_cassandra, people, expected, tmp_path):
    harness.empty(contact_point=real_cassandra.address)
    node = harness.Penstock(tmp_path, contact_point=real_cassandra.address)
    configured(node, cassandra={"contact_points": [real_cassandra.address], "compression": compression, "protocol_version": version})
    with node:
        half = len(people) // 2
        node.produce(*people[:half])
        node.eventually("the first rows", lambda: node.pipeline()["rowsWritten"] > 0, 120)
        node.cql_command(f"ALTER TABLE {TABLE} ADD note text")  # Cassandra forgets the statements of the table
        node.produce(*people[half:])
        assert node.drained(len(people), 240)["rejected"] == {}
        asked = ("cql", "-c", str(node.config), "--json", "-e")
        clients = [json.loads(line) for line in node.command(*asked, "SELECT * FROM system_views.clients").splitlines()]
        ours = [client for client in clients if client["driver_name"] == "penstock"]
        assert len(ours) >= 2  # the pipeline and the question
        assert {client["protocol_version"] for client in ours} == {spoken}
        assert {"COMPRESSION" in client["client_options"] for client in ours} == {compression != "none"}
        found = json.loads(node.command("doctor", "-c", str(node.config), "--json"))["findings"]
        (cassandra,) = (one["found"] for one in found if one["subject"] == f"cassandra {real_cassandra.address}")
        assert f"protocol v{spoken}," in cassandra
        actual = rows(node)
        assert len(actual) == PEOPLE + 1
        assert actual == expected
        assert node.stop() == 0
