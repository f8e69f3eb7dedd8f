# SPDX-License-Identifier: Apache-2.0
"""`penstock doctor` in front of the real ones: what it knows of them, and which right is missing."""
import json

import harness
from engines import RealCassandra, RealKafka
from test_security import SecureKafka, certificates  # noqa: F401  (a fixture)


def asked(config, pipeline, **environment):
    done = harness.Penstock.client("doctor", "-c", str(config), str(pipeline), "--timeout-ms", "8000", "--json", env=environment)
    return done.returncode, {one["subject"]: one for one in json.loads(done.stdout)["findings"]}, done.stdout + done.stderr


def written(folder, **sections):
    folder.mkdir()
    config = folder / "penstock.yaml"
    config.write_text(json.dumps({"data_dir": str(folder / "data"), "console": {"listen": "127.0.0.1:0"}, "pipelines": [], **sections}))
    pipeline = folder / "users.yaml"
    pipeline.write_text(harness.PIPELINE % {"interval": "0ms", "max_rows": 1000})
    return config, pipeline


def test_a_real_kafka_that_asks_for_a_password(certificates, tmp_path):  # noqa: F811
    with SecureKafka(tmp_path / "kafka", certificates) as kafka:
        address = kafka.addresses["SASLTLS"]
        security = {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "plain", "ca_file": str(certificates / "ca.pem")}
        places = {"cassandra": {"listen": "127.0.0.1:0"}}
        config, pipeline = written(tmp_path / "good", kafka={"bootstrap_servers": address, "security": {**security, "password": "plain-secret"}}, **places)
        code, found, said = asked(config, pipeline)
        assert code == 0, said
        assert found[f"kafka {address}"]["found"].startswith("Apache Kafka 3.9 (KRaft)"), said
        assert "plain-secret" not in said
        for name, wrong, words in (("password", {**security, "password": "Wrong-One"}, "user and password in kafka.security"),
                                   ("authority", {**security, "password": "plain-secret", "ca_file": None}, "an authority that this machine does not know")):
            config, pipeline = written(tmp_path / name, kafka={"bootstrap_servers": address, "security": {k: v for k, v in wrong.items() if v}}, **places)
            code, found, said = asked(config, pipeline)
            assert code == 1 and words in found[f"kafka {address}"]["advice"], said
            assert "Wrong-One" not in said


def test_a_broker_that_advertises_a_name_nobody_knows(tmp_path):
    """The commonest trap of Kafka in containers: the bootstrap address answers, and then sends its clients elsewhere."""
    with RealKafka(tmp_path / "kafka", "advertised.listeners=PLAINTEXT://kafka.invalid:9092") as kafka:
        config, pipeline = written(tmp_path / "here", kafka={"bootstrap_servers": kafka.address}, cassandra={"listen": "127.0.0.1:0"})
        code, found, said = asked(config, pipeline)
        assert code == 1
        advertised = found["kafka broker kafka.invalid:9092"]
        assert advertised["grade"] == "problem" and "advertised.listeners" in advertised["advice"], said


def test_rights_on_a_real_cassandra(tmp_path):
    with RealCassandra(tmp_path / "cassandra", "authenticator: {class_name: org.apache.cassandra.auth.PasswordAuthenticator}",
                       "authorizer: CassandraAuthorizer", "role_manager: {class_name: CassandraRoleManager}") as cassandra:
        def root(statement):
            done = harness.Penstock.client("cql", cassandra.address, "-u", "cassandra", "-p", "cassandra", "-e", statement)
            assert done.returncode == 0, done.stderr
        # Cassandra makes its first user a moment after it says that it is ready.
        while harness.Penstock.client("cql", cassandra.address, "-u", "cassandra", "-p", "cassandra", "-e", "LIST ROLES").returncode != 0:
            assert cassandra.process.poll() is None
        table = "table spark_streams.created_users"
        for statement in ("CREATE KEYSPACE spark_streams WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
                          "CREATE ROLE ada WITH PASSWORD = 'ada-secret' AND LOGIN = true"):
            root(statement)
        config, pipeline = written(tmp_path / "ada", kafka={"listeners": {"PLAINTEXT": "127.0.0.1:0"}},
                                   cassandra={"contact_points": [cassandra.address], "auth": {"username": "ada", "password": "ada-secret"}})
        code, found, said = asked(config, pipeline)
        assert found[f"cassandra {cassandra.address}"]["found"].startswith("Apache Cassandra 5.0.5"), said
        assert code == 1 and found[table]["advice"] == "as a superuser: GRANT CREATE ON ALL KEYSPACES TO ada;", said
        root("GRANT CREATE ON ALL KEYSPACES TO ada")
        code, found, said = asked(config, pipeline)
        assert code == 0 and found[table]["grade"] == "note", said
        root("CREATE TABLE spark_streams.created_users (id text PRIMARY KEY, " + ", ".join(
            f"{name} text" for name in ("first_name", "last_name", "gender", "address", "post_code", "email", "username", "registered_date", "phone",
                                        "picture")) + ")")
        code, found, said = asked(config, pipeline)
        assert code == 1 and found[table]["advice"] == "as a superuser: GRANT MODIFY ON TABLE spark_streams.created_users TO ada;", said
        config, pipeline = written(tmp_path / "wrong", cassandra={"contact_points": [cassandra.address], "auth": {"username": "ada", "password": "Wrong-One"}},
                                   kafka={"listeners": {"PLAINTEXT": "127.0.0.1:0"}})
        code, found, said = asked(config, pipeline)
        assert code == 1 and "cassandra.auth" in found[f"cassandra {cassandra.address}"]["advice"] and "Wrong-One" not in said, said
