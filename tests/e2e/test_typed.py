# SPDX-License-Identifier: Apache-2.0
"""A pipeline with types: JSON into typed columns, a select step into a typed table, and what does not fit into either."""
import datetime
import json
import math
import uuid

import pytest
from cassandra.cluster import Cluster
from confluent_kafka import Producer

from conftest import Node
from letters import letters_of

TYPED = """\
pipeline: typed
source:
  kafka: {topics: [readings], group: typed, start: earliest}
decode: json
schema: |
  id text NOT NULL, n int, small smallint, tiny tinyint, big bigint, at timestamp, key uuid, x double, f float,
  ok boolean, day date, amount text
transform:
  - where: "id <> 'skip'"
  - select: "*, cast(amount as int) as amount, upper(id) as name, big + 1 as next"
  - where: "coalesce(amount, 0) >= 0"
on_error: {decode: dlq, missing_required: dlq, type: dlq, convert: dlq}
dlq: {kafka: {topic: readings.dlq}}
trigger: {interval: 0ms}
sinks:
  - cassandra: {keyspace: lab, table: readings, primary_key: [id], create_if_missing: true}
"""

FULL = {"id": "full", "n": -2147483648, "small": -32768, "tiny": 127, "big": 9007199254740993, "at": "2023-10-01T12:00:00.123Z",
        "key": "6f1c9a52-9d1b-4c3e-8a5b-0123456789ab", "x": 0.1, "f": 0.5, "ok": True, "day": "1969-12-31", "amount": "42"}
OTHER = {"id": "other", "n": 17, "at": 1696161600123, "key": "6F1C9A52-9D1B-4C3E-8A5B-0123456789AB", "x": 3, "ok": False, "day": "2024-02-29"}
EMPTY = {"id": "empty", "n": None}
BAD = {
    "type": [b'{"id":"t1","n":1.5}', b'{"id":"t6","n":"17"}', b'{"id":"t2","ok":"yes"}', b'{"id":"t3","n":2147483648}', b'{"id":"t4","x":[1]}', b'{"id":"t5","tiny":128}'],
    "convert": [b'{"id":"c1","at":"yesterday"}', b'{"id":"c2","key":"no-uuid"}', b'{"id":"c3","amount":"12.x"}', b'{"id":"c4","day":"2023-02-29"}',
                b'{"id":"c5","big":9223372036854775807}'],
}


@pytest.fixture
def lab(tmp_path):
    with Node(tmp_path, pipeline=TYPED) as node:
        yield node


def cassandra(node):
    host, port = node.cql
    return Cluster([host], port=port, protocol_version=4)


def addresses(node):
    """A configuration by which `penstock run` reaches this node."""
    config = node.folder / "run.yaml"
    config.write_text(f'kafka: {{bootstrap_servers: "{node.kafka}"}}\ncassandra: {{contact_points: ["%s:%d"]}}\n' % node.cql)
    return config


@pytest.mark.mixes
def test_typed_values_are_read_back_by_the_driver(lab):
    lab.produce(*(json.dumps(one) for one in (FULL, OTHER, EMPTY, {"id": "skip"}, {"id": "negative", "amount": "-1"})), topic="readings")
    status = lab.drained(5)
    assert (status["rowsWritten"], status["rowsFiltered"], status["rejected"]) == (3, 2, {})
    with cassandra(lab) as cluster:
        rows = {row.id: row for row in cluster.connect("lab").execute("SELECT * FROM readings")}
    assert set(rows) == {"full", "other", "empty"}
    full = rows["full"]
    assert (full.n, full.small, full.tiny, full.big, full.next) == (-2147483648, -32768, 127, 9007199254740993, 9007199254740994)
    assert full.at == datetime.datetime(2023, 10, 1, 12, 0, 0, 123000)
    assert full.key == uuid.UUID(FULL["key"])
    assert (full.x, full.ok, full.amount, full.name) == (0.1, True, 42, "FULL")
    assert math.isclose(full.f, 0.5)
    assert full.day.date() == datetime.date(1969, 12, 31)
    other = rows["other"]
    assert (other.n, other.x, other.ok, other.amount, other.big, other.next) == (17, 3.0, False, None, None, None)
    assert other.at == full.at and other.key == full.key
    assert other.day.date() == datetime.date(2024, 2, 29)
    assert rows["empty"]._replace(id=None, name=None) == tuple([None] * len(full))


@pytest.mark.mixes
def test_wrong_types_and_texts_that_do_not_parse_are_diverted(lab):
    producer = Producer({"bootstrap.servers": lab.kafka})
    sent = {}
    for reason, values in BAD.items():
        for value in values:
            key = json.loads(value)["id"].encode()
            sent[key] = (reason, value)
            producer.produce("readings", value, key=key, headers=[("origin", b"test")])
            producer.produce("readings", json.dumps({"id": f"good-{len(sent)}", "n": len(sent)}))
    assert producer.flush(10) == 0
    status = lab.drained(2 * len(sent))
    assert status["rejected"] == {reason: len(values) for reason, values in BAD.items()}
    assert lab.rows("SELECT count(*) FROM lab.readings") == [{"count": len(sent)}], "the neighbours pass"
    letters = letters_of(lab, "readings.dlq", len(sent))
    assert {letter.key(): (dict(letter.headers())["penstock.reason"].decode(), letter.value()) for letter in letters} == sent
    by_key = {letter.key(): dict(letter.headers()) for letter in letters}
    assert by_key[b"t1"]["penstock.field"] == b"n" and by_key[b"t1"]["origin"] == b"test"
    assert by_key[b"t1"]["__connect.errors.stage"] == b"VALUE_CONVERTER"
    assert by_key[b"c3"]["__connect.errors.stage"] == b"TRANSFORMATION"
    for reason in BAD:
        assert f'reason="{reason}"' in lab.get("/metrics")


@pytest.mark.mixes
def test_a_table_with_other_types_takes_what_converts(lab, tmp_path):
    lab.cql_command("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    lab.cql_command("CREATE TABLE shop.items (id text PRIMARY KEY, n bigint, at timestamp, key uuid, x double, ok boolean, day date)")
    pipeline = tmp_path / "items.yaml"
    pipeline.write_text("pipeline: items\nsource: {kafka: {topics: [items]}}\n"
                        "schema: id text, n int, at text, key text, x text, ok text, day text\n"
                        "sinks: [{cassandra: {keyspace: shop, table: items}}]\ntrigger: available_now\n")
    lab.produce('{"id":"a","n":7,"at":"2023-10-01T12:00:00Z","key":"6f1c9a52-9d1b-4c3e-8a5b-0123456789ab","x":"1e3","ok":"true","day":"2023-10-01"}',
                '{"id":"b","x":"much"}', '{"id":"c","ok":"perhaps"}', topic="items")
    lab.command("run", "-c", str(addresses(lab)), str(pipeline))
    with cassandra(lab) as cluster:
        (row,) = cluster.connect("shop").execute("SELECT * FROM items")
    assert (row.id, row.n, row.x, row.ok) == ("a", 7, 1000.0, True)
    assert (row.at, row.day.date()) == (datetime.datetime(2023, 10, 1, 12), datetime.date(2023, 10, 1))
    letters = letters_of(lab, "items.dlq", 2)
    assert [dict(letter.headers())["penstock.reason"] for letter in letters] == [b"convert", b"convert"]


@pytest.mark.mixes
def test_a_column_type_that_no_pipeline_writes_is_refused_by_name(lab, tmp_path):
    lab.cql_command("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    lab.cql_command("CREATE TABLE shop.prices (id text PRIMARY KEY, price decimal)")
    pipeline = tmp_path / "prices.yaml"
    pipeline.write_text("pipeline: prices\nsource: {kafka: {topics: [prices]}}\nschema: id text, price text\n"
                        "sinks: [{cassandra: {keyspace: shop, table: prices}}]\ntrigger: available_now\n")
    done = lab.run("run", "-c", str(addresses(lab)), str(pipeline))
    assert done.returncode != 0
    assert "column price of table shop.prices is decimal, which a pipeline cannot write" in done.stdout + done.stderr
