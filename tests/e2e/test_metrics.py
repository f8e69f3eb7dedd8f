# SPDX-License-Identifier: Apache-2.0
"""The pipeline's metrics are a contract: names, types, labels, and values after ten records and one reject."""
import json
import re
import resource
import time

from conftest import Node

LINE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
PIPELINE = {"pipeline": "users"}
PARTITION = PIPELINE | {"topic": "users_data", "partition": "0"}
SINK = PIPELINE | {"sink": "cassandra"}

# Name, type, labels for the harness's pipeline, and the value (of a histogram: how many samples) or a test of it.
EXPECTED = [
    ("ingest_records_read_total", "counter", PIPELINE | {"topic": "users_data"}, 11),
    ("ingest_bytes_read_total", "counter", PIPELINE | {"topic": "users_data"}, 10 * len('{"id":"user-0"}') + len("junk")),
    ("ingest_records_rejected_total", "counter", PIPELINE | {"reason": "decode", "action": "dlq"}, 1),
    ("ingest_records_filtered_total", "counter", PIPELINE, 0),
    ("ingest_rows_written_total", "counter", SINK | {"table": "spark_streams.created_users"}, 10),
    ("ingest_bytes_written_total", "counter", SINK, lambda v: v > 100),
    ("ingest_batch_rows", "histogram", PIPELINE, lambda v: 1 <= v <= 11),
    ("ingest_sink_request_duration_seconds", "histogram", SINK, lambda v: 1 <= v <= 11),
    ("ingest_end_to_end_latency_seconds", "histogram", PIPELINE, lambda v: 1 <= v <= 11),
    ("ingest_completion_latency_seconds", "histogram", PIPELINE, lambda v: 1 <= v <= 11),
    ("ingest_sink_inflight", "gauge", SINK, 0),
    ("ingest_lag_records", "gauge", PARTITION, 0),
    ("ingest_lag_seconds", "gauge", PARTITION, 0),
    ("ingest_committed_offset", "gauge", PARTITION, 11),
    ("ingest_partition_paused", "gauge", PARTITION | {"cause": "memory"}, 0),
    ("ingest_partition_paused", "gauge", PARTITION | {"cause": "damaged"}, 0),
    ("ingest_partition_paused", "gauge", PARTITION | {"cause": "dlq"}, 0),
    ("ingest_partition_paused", "gauge", PARTITION | {"cause": "start"}, 0),
    ("ingest_sink_breaker_state", "gauge", SINK, 0),
    ("ingest_partitions_assigned", "gauge", PIPELINE, 1),
    ("ingest_rebalances_total", "counter", PIPELINE | {"kind": "assigned"}, 1),
    ("ingest_checkpoint_age_seconds", "gauge", PIPELINE, 0),
    ("ingest_checkpoint_failures_total", "counter", PIPELINE, 0),
    ("ingest_memory_bytes", "gauge", PIPELINE | {"pool": "batches"}, 0),
    ("ingest_dlq_records_total", "counter", PIPELINE | {"dlq": "users_data.dlq"}, 1),
    ("ingest_dlq_failures_total", "counter", PIPELINE, 0),
    *(("ingest_queue_fill_ratio", "gauge", PIPELINE | {"stage": stage}, 0) for stage in ("open", "ready", "writing")),
    *(("ingest_stage_busy_ratio", "gauge", PIPELINE | {"stage": stage}, lambda v: 0 <= v <= 1) for stage in ("decode", "transform", "sink")),
    *(("ingest_batch_duration_seconds", "histogram", PIPELINE | {"phase": phase}, lambda v: 1 <= v <= 11)
      for phase in ("decode", "transform", "sink", "total")),
    ("process_cpu_seconds_total", "counter", {}, lambda v: 0 < v < 600),
    ("process_start_time_seconds", "gauge", {}, lambda v: time.time() - 60 < v < time.time() + 1),
    ("process_open_fds", "gauge", {}, lambda v: v > 10),
    ("process_max_fds", "gauge", {}, lambda v: v == resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    ("process_resident_memory_bytes", "gauge", {}, lambda v: v > 1e6),
    ("process_virtual_memory_bytes", "gauge", {}, lambda v: v > 1e7),
    ("penstock_build_info", "gauge", None, 1),
]


def parse(text):
    """(types by name, values by (name, frozen labels)) of the text exposition format; every line must be one of its kinds."""
    types, values = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} is declared twice"
            types[name] = kind
        elif not line.startswith("# HELP ") and line:
            name, labels, value = LINE.match(line).groups()
            values[name, frozenset(LABEL.findall(labels or ""))] = float(value)
    return types, values


def mismatch(types, values, name, kind, labels, wanted):
    """What is wrong with one metric; None when nothing is."""
    if types.get(name) != kind:
        return f"{name} is a {types.get(name)}"
    if labels is None:
        return None
    key = name + "_count" if kind == "histogram" else name
    value = values.get((key, frozenset(labels.items())))
    if value is None:
        return f"{key} has other labels: {[sorted(have) for other, have in values if other == key]}"
    right = wanted(value) if callable(wanted) else value == wanted
    return None if right else f"{key}{labels} is {value}"


def test_names_types_labels_and_values_of_the_pipelines_metrics(node):
    node.produce(*(json.dumps({"id": f"user-{i}"}, separators=(",", ":")) for i in range(10)), "junk")
    node.drained(11)

    def mismatches():
        types, values = parse(node.get("/metrics"))
        return [wrong for expected in EXPECTED if (wrong := mismatch(types, values, *expected))]

    # Gauges are renewed each second; the group's offset is committed soon after the checkpoint.
    patience = time.monotonic() + 10
    node.eventually("settled values", lambda: not mismatches() or time.monotonic() > patience)
    assert mismatches() == []
    types, _ = parse(node.get("/metrics"))
    known = {name for name, _, _, _ in EXPECTED} | {
        "ingest_sink_errors_total", "ingest_sink_retries_total", "ingest_dlq_records_cut_total"}  # when they happen
    assert {name for name in types if name.startswith("ingest_")} <= known, "a metric that this list does not know"


def test_every_label_set_of_a_partition_says_which_one(tmp_path):
    with Node(tmp_path, partitions=2) as node:
        node.eventually("an assignment", lambda: node.pipeline()["lag"] == 0)
        _, values = parse(node.get("/metrics"))
        for name in ("ingest_lag_records", "ingest_lag_seconds", "ingest_committed_offset"):
            assert {dict(labels)["partition"] for other, labels in values if other == name} == {"0", "1"}


def test_progress_has_sparks_shape(node):
    node.produce('{"id":"a"}')
    node.drained(1)
    (progress,) = json.loads(node.get("/api/pipelines/users"))["progress"]
    assert set(progress["durationMs"]) == {"addBatch", "getBatch", "triggerExecution"}
    assert progress["durationMs"]["addBatch"] + progress["durationMs"]["getBatch"] <= progress["durationMs"]["triggerExecution"] + 1
    (source,) = progress["sources"]
    assert source["metrics"] == {"avgOffsetsBehindLatest": "0.0", "maxOffsetsBehindLatest": "0", "minOffsetsBehindLatest": "0"}
    assert source["endOffset"] == source["latestOffset"] == {"users_data": {"0": 1}}
