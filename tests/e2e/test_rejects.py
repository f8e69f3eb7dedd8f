# SPDX-License-Identifier: Apache-2.0
"""What cannot become a row goes to the dead-letter topic unchanged, with its reason; its neighbours pass."""
import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer

from conftest import Node
from letters import connect_headers, letters_of

GOOD = b'{"id":"good_%d"}'
# Reason, value, message, field.
BAD = [
    ("missing_required", b'{"first_name":"nobody"}', "the field is missing", "id"),
    ("missing_required", b'{"id":null,"email":"x"}', "the field is null", "id"),
    ("decode", b'{"id":"broken"', "the record does not end with its JSON object", None),
    ("decode", b"not json at all", "the record is not a JSON object", None),
    ("decode", b'{"id":"bad\xff\xfeutf8"}', "the record is not valid UTF-8", None),
    ("decode", b'["id"]', "the record is not a JSON object", None),
    ("decode", b'{"id":"a"} trailing', "the record does not end with its JSON object", None),
    ("decode", b"", "the record is empty", None),
    ("decode", None, "the record has no value (a tombstone)", None),
    ("oversize", b'{"id":"' + b"k" * 70_000 + b'"}', "a column of the table's key is longer than 65535 bytes", "id"),
]
OWN = [("origin", b"test"), ("empty", b""), ("nothing", None)]


def counts_by_reason():
    return {reason: sum(1 for bad in BAD if bad[0] == reason) for reason in {bad[0] for bad in BAD}}


@pytest.mark.mixes
def test_each_class_of_bad_record_is_diverted_and_counted(node):
    producer = Producer({"bootstrap.servers": node.kafka})
    for number, (_, value, _, _) in enumerate(BAD):
        producer.produce("users_data", GOOD % number)
        producer.produce("users_data", value, key=b"key-%d" % number, headers=OWN)
    assert producer.flush(10) == 0
    status = node.drained(2 * len(BAD))

    letters = {letter.key(): letter for letter in letters_of(node, "users_data.dlq", len(BAD))}
    for number, (reason, value, message, field) in enumerate(BAD):
        letter = letters[b"key-%d" % number]
        assert letter.value() == value, "raw bytes, unchanged; no value is not an empty one"
        expected = connect_headers("users_data", 0, 2 * number + 1, "users", reason, "VALUE_CONVERTER",
                                   f"{field}: {message}" if field else message, field)
        assert dict(letter.headers()) == dict(OWN) | expected
    assert status["rejected"] == counts_by_reason()
    assert status["lettersCut"] == {}
    metrics = node.get("/metrics")
    for reason, count in counts_by_reason().items():
        assert f'ingest_records_rejected_total{{action="dlq",pipeline="users",reason="{reason}"}} {count}\n' in metrics
    assert f'ingest_dlq_records_total{{dlq="users_data.dlq",pipeline="users"}} {len(BAD)}\n' in metrics
    assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": len(BAD)}], "the neighbours pass"


@pytest.mark.mixes
def test_a_record_without_key_or_headers_has_only_ours_in_its_letter(node):
    node.produce("junk")
    node.drained(1)
    (letter,) = letters_of(node, "users_data.dlq", 1)
    assert letter.key() is None
    assert {name.split(".")[0] for name in dict(letter.headers())} == {"__connect", "penstock"}


@pytest.mark.mixes
def test_garbage_as_large_as_a_default_topic_takes_is_diverted_whole(node):
    garbage = b"x" * 1_048_400
    producer = KafkaProducer(bootstrap_servers=node.kafka, max_request_size=2_000_000)
    for value in (GOOD % 1, garbage, GOOD % 2):
        producer.send("users_data", value).get(20)
    producer.close()
    status = node.drained(3)
    assert (status["rejected"], status["lettersCut"]) == ({"decode": 1}, {})
    (letter,) = letters_of(node, "users_data.dlq", 1)
    assert letter.value() == garbage
    assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": 2}]


def test_a_letter_fits_whatever_the_source_topic_takes(tmp_path):
    with Node(tmp_path, pipeline=False) as node:
        node.command("topic", "create", "-b", node.kafka, "users_data", "--config", "max.message.bytes=5000000")
        assert node.stop() == 0
    large = b'{"id":"large","picture":"' + b"p" * 2_000_000 + b'"}'
    with Node(tmp_path) as node:
        producer = Producer({"bootstrap.servers": node.kafka, "message.max.bytes": 6_000_000})
        for value in (GOOD % 1, large, GOOD % 2):
            producer.produce("users_data", value)
        assert producer.flush(20) == 0
        status = node.drained(3)
        assert (status["rejected"], status["lettersCut"]) == ({"oversize": 1}, {}), "a pipeline takes 1 MiB if not told otherwise"
        (letter,) = letters_of(node, "users_data.dlq", 1)
        assert letter.value() == large
        assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": 2}]


@pytest.mark.mixes
def test_a_letter_that_does_not_fit_says_where_its_record_still_is(node):
    """A dead-letter topic that somebody made, too small for some letters: they go without what is too large."""
    node.command("topic", "create", "-b", node.kafka, "users_data.dlq", "--config", "max.message.bytes=10000")
    producer = Producer({"bootstrap.servers": node.kafka})
    producer.produce("users_data", b"small", key=b"s")
    producer.produce("users_data", b"x" * 50_000, key=b"v", headers=OWN)
    producer.produce("users_data", b"y" * 50_000, key=b"k" * 20_000, headers=OWN)
    producer.produce("users_data", GOOD % 1)
    assert producer.flush(10) == 0
    status = node.drained(4)
    assert (status["state"], status["error"]) == ("running", None)
    assert (status["rejected"], status["lettersCut"]) == ({"decode": 3}, {"decode": 2})
    letters = {dict(letter.headers())["__connect.errors.offset"]: letter for letter in letters_of(node, "users_data.dlq", 3)}
    assert letters[b"0"].value() == b"small" and "penstock.left_out" not in dict(letters[b"0"].headers())
    headers = dict(letters[b"1"].headers())
    assert (letters[b"1"].key(), letters[b"1"].value()) == (b"v", None)
    assert (headers["penstock.left_out"], headers["penstock.value.bytes"], headers["origin"]) == (b"value", b"50000", b"test")
    assert (headers["__connect.errors.topic"], headers["__connect.errors.partition"]) == (b"users_data", b"0")
    headers = dict(letters[b"2"].headers())
    assert (letters[b"2"].key(), letters[b"2"].value()) == (None, None)
    assert (headers["penstock.left_out"], headers["penstock.key.bytes"]) == (b"value,key,headers", b"20000")
    assert "origin" not in headers
    assert 'ingest_dlq_records_cut_total{dlq="users_data.dlq",pipeline="users",reason="decode"} 2\n' in node.get("/metrics")
    assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": 1}]


@pytest.mark.mixes
def test_filtered_record_is_counted_and_not_a_reject(node):
    node.produce('{"id":""}', '{"id":"kept"}')
    status = node.drained(2)
    assert (status["rowsFiltered"], status["rejected"]) == (1, {})
    assert node.rows("SELECT id FROM spark_streams.created_users") == [{"id": "kept"}]
