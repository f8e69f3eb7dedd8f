# SPDX-License-Identifier: Apache-2.0
"""What several of these tests need: Apache Kafka's and Cassandra's own jars, kept in build/ once they are there."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
JARS = ROOT / "build" / "jars"


def fetch(artifact, version, folder, pom, group="org.apache.kafka"):
    """The class path of an artifact with all that it needs."""
    complete = JARS / folder / ".complete"
    if not complete.exists():
        pom.write_text(f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>penstock</groupId><artifactId>tests</artifactId><version>1</version><dependencies>
<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>
</dependencies></project>""")
        subprocess.run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={complete.parent}"],
                       check=True, timeout=900)
        complete.touch()
    return f"{complete.parent}/*"


@pytest.fixture(scope="session")
def classpath(tmp_path_factory):
    """The tools and clients of Kafka 3.9, the last line that also speaks to old brokers."""
    return fetch("kafka_2.13", "3.9.1", "kafka-3.9.1", tmp_path_factory.mktemp("pom") / "pom.xml")


@pytest.fixture(scope="session")
def newest_clients(tmp_path_factory):
    """Clients of the newest line."""
    return fetch("kafka-clients", "4.2.0", "clients-4.2.0", tmp_path_factory.mktemp("pom") / "pom.xml")


@pytest.fixture(scope="session")
def cql_driver(tmp_path_factory):
    """Apache Cassandra's Java driver."""
    return fetch("java-driver-core", "4.19.3", "cql-driver-4.19.3", tmp_path_factory.mktemp("pom") / "pom.xml", "org.apache.cassandra")
