# SPDX-License-Identifier: Apache-2.0
"""Reads dead-letter topics as any consumer would."""
from confluent_kafka import Consumer, TopicPartition


def letters_of(node, topic, count):
    """The letters of partition 0, which must be so many and no more."""
    consumer = Consumer({"bootstrap.servers": node.kafka, "group.id": "reader", "enable.auto.commit": False,
                         "fetch.message.max.bytes": 10_000_000})
    consumer.assign([TopicPartition(topic, 0, 0)])
    letters = []
    while len(letters) < count:
        message = consumer.poll(20)
        assert message is not None, f"{len(letters)} of {count} dead letters"
        assert message.error() is None, message.error()
        letters.append(message)
    assert consumer.poll(0.2) is None, "more dead letters than bad records"
    consumer.close()
    return letters


def connect_headers(topic, partition, offset, pipeline, reason, stage, message, field=None):
    """The headers that a letter has beside its own, but for message texts of parsers."""
    headers = {
        "__connect.errors.topic": topic, "__connect.errors.partition": str(partition), "__connect.errors.offset": str(offset),
        "__connect.errors.connector.name": pipeline, "__connect.errors.task.id": "0", "__connect.errors.stage": stage,
        "__connect.errors.exception.class.name": "penstock." + reason, "__connect.errors.exception.message": message,
        "penstock.reason": reason, "penstock.pipeline": pipeline,
    }
    if field:
        headers["penstock.field"] = field
    return {name: value.encode() for name, value in headers.items()}
