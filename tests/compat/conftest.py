# SPDX-License-Identifier: Apache-2.0
"""What several of these tests need: Apache Kafka's own jars, kept in build/ once they are there."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = "3.9.1"
JARS = ROOT / "build" / "jars" / f"kafka-{VERSION}"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>penstock</groupId><artifactId>dump-log</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
</dependencies></project>"""


@pytest.fixture(scope="session")
def classpath(tmp_path_factory):
    complete = JARS / ".complete"
    if not complete.exists():
        pom = tmp_path_factory.mktemp("pom") / "pom.xml"
        pom.write_text(POM)
        subprocess.run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"],
                       check=True, timeout=900)
        complete.touch()
    return f"{JARS}/*"
