# SPDX-License-Identifier: Apache-2.0
"""What cannot become a row goes to the dead-letter topic unchanged, with its reason; its neighbours pass."""
from confluent_kafka import Consumer, Producer, TopicPartition

GOOD = b'{"id":"good_%d"}'
BAD = {
    "missing_required": [b'{"first_name":"nobody"}', b'{"id":null,"email":"x"}'],
    "decode": [b'{"id":"broken"', b"not json at all", b'{"id":"bad\xff\xfeutf8"}', b'["id"]', b'{"id":"a"} trailing', b""],
}


def dead_letters(node, count):
    consumer = Consumer({"bootstrap.servers": node.kafka, "group.id": "reader", "enable.auto.commit": False})
    consumer.assign([TopicPartition("users_data.dlq", 0, 0)])
    letters = []
    while len(letters) < count:
        message = consumer.poll(20)
        assert message is not None, f"{len(letters)} of {count} dead letters"
        assert message.error() is None, message.error()
        letters.append(message)
    assert consumer.poll(0.2) is None, "more dead letters than bad records"
    consumer.close()
    return letters


def test_each_class_of_bad_record_is_diverted_and_counted(node):
    producer = Producer({"bootstrap.servers": node.kafka})
    sent, reasons = [], {}
    for reason, values in BAD.items():
        for value in values:
            producer.produce("users_data", GOOD % len(sent))
            producer.produce("users_data", value, key=b"key-%d" % len(sent), headers={"origin": b"test"})
            reasons[b"key-%d" % len(sent)] = reason
            sent.append(value)
    assert producer.flush(10) == 0
    status = node.drained(2 * len(sent))

    letters = dead_letters(node, len(sent))
    assert sorted(m.value() or b"" for m in letters) == sorted(sent), "raw bytes, unchanged"
    for letter in letters:
        headers = dict(letter.headers())
        assert headers["penstock.reason"].decode() == reasons[letter.key()], (letter.value(), headers)
        assert headers["__connect.errors.topic"] == b"users_data"
        assert headers["__connect.errors.exception.message"]
        assert headers["origin"] == b"test", "its own headers stay"
    assert status["rejected"] == {reason: len(values) for reason, values in BAD.items()}
    assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": len(sent)}], "the neighbours pass"


def test_oversize_record_is_diverted(node):
    producer = Producer({"bootstrap.servers": node.kafka, "message.max.bytes": 2_000_000})
    key_too_long = b'{"id":"' + b"k" * 70_000 + b'"}'  # a partition key takes 65,535 bytes
    producer.produce("users_data", key_too_long)
    producer.produce("users_data", GOOD % 1)
    assert producer.flush(10) == 0
    status = node.drained(2)
    assert status["rejected"] == {"oversize": 1}
    (letter,) = dead_letters(node, 1)
    assert letter.value() == key_too_long
    assert len(node.rows("SELECT id FROM spark_streams.created_users")) == 1


def test_filtered_record_is_counted_and_not_a_reject(node):
    node.produce('{"id":""}', '{"id":"kept"}')
    status = node.drained(2)
    assert (status["rowsFiltered"], status["rejected"]) == (1, {})
    assert node.rows("SELECT id FROM spark_streams.created_users") == [{"id": "kept"}]
