# SPDX-License-Identifier: Apache-2.0
"""A store that does not answer: reading stops within the pipeline's memory, the lag tells the truth, and nothing is lost."""
import pathlib
import re
import subprocess

import harness
from conftest import Node

RECORDS = 100_000  # about 37 MB, far above the pipeline's 16 MiB
TABLE = "spark_streams.created_users"


def people(folder, seed, count):
    file = folder / f"people-{seed}.json"
    with open(file, "wb") as out:
        subprocess.run([str(harness.BINARY), "generate", "--count", str(count), "--seed", str(seed)], stdout=out, check=True, timeout=60)
    return file


def produce(node, file):
    node.command("produce", "-b", node.kafka, "--topic", "users_data", stdin=file.read_text())


def peak_megabytes(node):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{node.process.pid}/status").read_text())[1]) / 1024


def test_a_store_that_stands_still_holds_the_reading_back(tmp_path):
    with Node(tmp_path / "store", pipeline=False) as store:
        reader = Node(tmp_path / "reader", pipeline=harness.PIPELINE % {"interval": "0ms", "max_rows": 200_000} + "limits: {memory: 16 MiB}\n")
        reader.config.write_text(re.sub(r"cassandra: .*", 'cassandra: {contact_points: ["%s:%d"]}' % store.cql, reader.config.read_text()))
        with reader:
            reader.produce('{"id":"first"}')
            reader.drained(1)
            before = peak_megabytes(reader)
            with store.frozen():
                produce(reader, people(tmp_path, 7, RECORDS))
                reader.eventually("the lag of what was produced", lambda: reader.pipeline()["lag"] == RECORDS)
                reader.eventually("a pause", lambda: re.search(r'ingest_partition_paused\{cause="memory".*\} 1\n', reader.get("/metrics")))
                produce(reader, people(tmp_path, 8, 1000))
                reader.eventually("the lag of what came meanwhile", lambda: reader.pipeline()["lag"] == RECORDS + 1000)
                assert reader.pipeline()["state"] == "running"
                print(f"{before:.0f} MB before, {peak_megabytes(reader):.0f} MB at most")
                assert peak_megabytes(reader) < before + 100, "the backlog stays in the log"
            reader.drained(RECORDS + 1001, seconds=60)
            assert store.rows(f"SELECT count(*) FROM {TABLE}") == [{"count": RECORDS + 1001}]
