# SPDX-License-Identifier: Apache-2.0
"""One real Kafka and one real Cassandra for all tests of a run, started when a test first asks."""
import pytest

from engines import RealCassandra, RealKafka


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory):
    with RealKafka(tmp_path_factory.mktemp("kafka")) as engine:
        yield engine


@pytest.fixture(scope="session")
def real_cassandra(tmp_path_factory):
    with RealCassandra(tmp_path_factory.mktemp("cassandra")) as engine:
        yield engine
