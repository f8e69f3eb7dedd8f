# SPDX-License-Identifier: Apache-2.0
"""Our table of error codes says what Kafka's own client says: number, name, whether a client tries again.

Needs Java, maven and, once, the network (conftest.py).
"""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "wire" / "kafka"
NEWER = range(121, 1000)  # codes of Kafka 4, which the jar of 3.9 does not know


def ours():
    numbers = dict(re.findall(r"^  (\w+) = (-?\d+),", (SOURCES / "errors.h").read_text(), re.M))
    rows = re.findall(r'KafkaError::(\w+),\s+"(\w+)",\s+(true|false)', (SOURCES / "errors.cc").read_text())
    assert len(rows) == len(numbers)
    return {int(numbers[member]): (name, retriable) for member, name, retriable in rows}


def test_every_error_is_kafkas(classpath):
    program = pathlib.Path(__file__).with_name("KafkaErrors.java")
    done = subprocess.run(["java", "-cp", classpath, program], check=True, capture_output=True, text=True, timeout=120)
    theirs = {int(code): (name, retriable) for code, name, retriable in (line.split() for line in done.stdout.splitlines())}
    assert len(theirs) > 100
    assert {code: row for code, row in ours().items() if code not in NEWER} == \
        {code: row for code, row in theirs.items() if code not in NEWER}
