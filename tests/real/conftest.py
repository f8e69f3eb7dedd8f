# SPDX-License-Identifier: Apache-2.0
"""One real Kafka and one real Cassandra for all tests of a run, started side by side when a test first asks."""
import concurrent.futures
import contextlib

import pytest

import drains
from engines import RealCassandra, RealKafka


def pytest_configure(config):
    config.addinivalue_line("markers", "short: the pipeline over both real engines, for the gate")


@pytest.fixture(scope="session")
def real_engines(tmp_path_factory):
    # Made one after the other, since that fetches their jars, which Maven does not do twice at once.
    engines = RealKafka(tmp_path_factory.mktemp("kafka")), RealCassandra(tmp_path_factory.mktemp("cassandra"))
    with contextlib.ExitStack() as stack:
        for engine in engines:
            stack.callback(engine.kill)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda engine: engine.start(), engines))
        yield engines


@pytest.fixture(scope="session")
def real_kafka(real_engines):
    return real_engines[0]


@pytest.fixture(scope="session")
def real_cassandra(real_engines):
    return real_engines[1]


@pytest.fixture(scope="session")
def all_built_in(tmp_path_factory):
    """What the pipeline makes of the letters when both engines are the built-in ones."""
    return drains.drain(tmp_path_factory.mktemp("built-in"), None, None)
