# SPDX-License-Identifier: Apache-2.0
"""One real Kafka and one real Cassandra for all faults, and the figures of the run: build/soak.json, and a table at the end."""
import contextlib
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "real"), str(pathlib.Path(__file__).resolve().parents[1])]
import harness  # noqa: E402
from engines import CASSANDRA, KAFKA, RealCassandra, RealKafka  # noqa: E402

SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
FIGURES = harness.ROOT / "build/soak.json"
rows = []


class SoakKafka(RealKafka):
    """With a second listener that asks for a password, and asks again every five seconds. Who comes there has the rights that nobody
    took from him; who comes by the first has all."""

    def __init__(self, folder):
        self.sasl = f"127.0.0.1:{harness.free_port()}"
        super().__init__(
            folder, "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT",
            f"listeners=PLAINTEXT://{{address}},CONTROLLER://{{controller}},SASL://{self.sasl}",
            f"advertised.listeners=PLAINTEXT://{{address}},SASL://{self.sasl}", "inter.broker.listener.name=PLAINTEXT",
            "sasl.enabled.mechanisms=SCRAM-SHA-256", f"listener.name.sasl.scram-sha-256.sasl.jaas.config={SCRAM} required;",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users=User:ANONYMOUS",
            "allow.everyone.if.no.acl.found=true", "connections.max.reauth.ms=5000", "group.min.session.timeout.ms=1000")

    def format_flags(self):
        return [word for user in ("worker", "neighbour") for word in ("--add-scram", f"SCRAM-SHA-256=[name={user},password=Secret-One]")]


START_SECONDS = 400  # both, on a machine that has other things to do


def stop(engine):
    """In order, if it can."""
    try:
        engine.stop(60)
    except subprocess.TimeoutExpired:
        engine.kill()


@contextlib.contextmanager
def started(engine):
    try:
        yield engine.start(START_SECONDS)
    finally:
        engine.kill()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    with started(SoakKafka(tmp_path_factory.mktemp("kafka"))) as engine:
        yield engine


@pytest.fixture(scope="session")
def cassandra(tmp_path_factory):
    with started(RealCassandra(
            tmp_path_factory.mktemp("cassandra"), "authenticator: {class_name: org.apache.cassandra.auth.PasswordAuthenticator}",
            "authorizer: CassandraAuthorizer", "role_manager: {class_name: CassandraRoleManager}",
            "credentials_validity: 1000ms", "roles_validity: 1000ms", "permissions_validity: 1000ms", sync="periodic")) as engine:
        yield engine


@pytest.fixture
def figures(request):
    """figures(name=value, ...): a line of the table for this fault."""
    return lambda **what: rows.append({"fault": request.node.name.removeprefix("test_"), **what})


def pytest_runtest_logreport(report):
    if report.failed:  # the others take a while
        print(f"{report.nodeid} failed:\n{report.longreprtext[-6000:]}", flush=True)


def pytest_sessionfinish():
    if not rows:
        return
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps({"date": datetime.date.today().isoformat(), "kafka": KAFKA, "cassandra": CASSANDRA, "cores": os.cpu_count(),
                                   "machine": platform.machine(), "faults": rows}, indent=1) + "\n")


def pytest_terminal_summary(terminalreporter):
    for row in rows:
        terminalreporter.write_line(f"{row['fault']:<50} " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in row.items() if k != "fault"))
    if rows:
        terminalreporter.write_line(f"written to {FIGURES.relative_to(harness.ROOT)}")
