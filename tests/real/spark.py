# SPDX-License-Identifier: Apache-2.0
"""Runs tests/real/spark_job.py: PySpark from its own environment, the two connectors from Maven's cache."""
import contextlib
import json
import os
import pathlib
import subprocess

import harness
from engines import jars

CONNECTORS = ("com.datastax.spark:spark-cassandra-connector_2.12:3.5.1", "org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.0")
PYTHON = harness.ROOT / "build/venv/spark/bin/python"
JOB = pathlib.Path(__file__).resolve().parent / "spark_job.py"


class SparkJob:
    """One run of the job. `with SparkJob(...) as job:` starts it; `result()` waits for its end and gives what it found."""

    def __init__(self, name, folder, kafka, cassandra, *flags):
        if not PYTHON.exists():
            raise RuntimeError(f"{PYTHON} is missing; ./dev test real makes it")
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.command = [str(PYTHON), str(JOB), name, "--kafka", kafka, "--cassandra", "%s:%d" % cassandra, "--jars", str(jars(*CONNECTORS)),
                        "--folder", str(folder), *flags]

    def __enter__(self):
        self.errors = open(self.folder / "spark.txt", "a")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=self.folder,
                                        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"})
        return self

    def result(self, timeout=400):
        said, _ = self.process.communicate(timeout=timeout)
        if self.process.returncode != 0:
            raise RuntimeError(f"the Spark job ended with {self.process.returncode}\n{said[-2000:]}\n{self.tail()}")
        return json.loads(said.splitlines()[-1])

    def tail(self, bytes_max=8000):
        return (self.folder / "spark.txt").read_text(errors="replace")[-bytes_max:]

    def __exit__(self, *_):
        # Python and its JVM: both end when the pipe between them does.
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.process.kill()
        self.errors.close()


def run(name, folder, kafka, cassandra, *flags, timeout=400):
    with SparkJob(name, folder, kafka, cassandra, *flags) as job:
        return job.result(timeout)
