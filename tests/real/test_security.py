# SPDX-License-Identifier: Apache-2.0
"""Real engines that ask who we are: SASL with each mechanism, TLS with and without a client certificate, CQL passwords."""
import contextlib
import json
import os
import subprocess

import pytest

import harness
from engines import RealCassandra, RealKafka

PEOPLE = 200
USERS = {"PLAIN": ("plain", "plain-secret"), "SCRAM-SHA-256": ("scram256", "scram256-secret"), "SCRAM-SHA-512": ("scram512", "scram512-secret")}
PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A certificate authority, a server's certificate for 127.0.0.1 and a client's."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=penstock tests", cwd=folder)
    for name in ("server", "client"):
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", cwd=folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.pem",
                "-extfile", f"{name}.ext", cwd=folder)
    return folder


class SecureKafka(RealKafka):
    """A listener for each way in, beside the plain one of the broker itself."""

    def __init__(self, folder, certificates):
        ports = {name: harness.free_port() for name in ("SASLPLAIN", "SASLTLS", "MUTUAL")}
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        pem = {kind: (certificates / kind).read_text().strip().replace("\n", "\\n") for kind in ("server.key", "server.pem", "ca.pem")}
        super().__init__(
            folder,
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASLPLAIN:SASL_PLAINTEXT,SASLTLS:SASL_SSL,MUTUAL:SSL",
            "listeners=PLAINTEXT://{address},CONTROLLER://{controller}," + ",".join(f"{n}://{a}" for n, a in self.addresses.items()),
            "advertised.listeners=PLAINTEXT://{address}," + ",".join(f"{n}://{a}" for n, a in self.addresses.items()),
            "inter.broker.listener.name=PLAINTEXT",
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            *(f'listener.name.{name}.plain.sasl.jaas.config={PLAIN_MODULE} required user_plain="plain-secret";' for name in ("saslplain", "sasltls")),
            *(f"listener.name.{name}.{mechanism}.sasl.jaas.config={SCRAM_MODULE} required;"
              for name in ("saslplain", "sasltls") for mechanism in ("scram-sha-256", "scram-sha-512")),
            "listener.name.mutual.ssl.client.auth=required",
            "ssl.keystore.type=PEM", "ssl.truststore.type=PEM", f"ssl.keystore.key={pem['server.key']}",
            f"ssl.keystore.certificate.chain={pem['server.pem']}", f"ssl.truststore.certificates={pem['ca.pem']}")

    def format_flags(self):
        return [word for mechanism, (user, password) in USERS.items() if mechanism != "PLAIN"
                for word in ("--add-scram", f"{mechanism}=[name={user},password={password}]")]


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory, certificates):
    with SecureKafka(tmp_path_factory.mktemp("secure-kafka"), certificates) as engine:
        yield engine


def configured(node, **sections):
    """The node's configuration anew, with these sections; JSON is YAML too."""
    free = {"listen": "127.0.0.1:0"}
    node.config.write_text(json.dumps({"data_dir": str(node.data), "kafka": {"listeners": {"PLAINTEXT": free["listen"]}}, "cassandra": free,
                                       "console": free, "pipelines": [str(node.folder / "users.yaml")], **sections}))


def lands(folder, address, security, **environment):
    """Runs the pipeline against a broker that asks for this; returns what the process said meanwhile."""
    harness_node = harness.Penstock(folder, bootstrap=address, env=environment)
    configured(harness_node, kafka={"bootstrap_servers": address, "security": security})
    client = dict(env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    with harness_node as node:
        sent = subprocess.run([str(harness.BINARY), "generate", "-c", str(node.config), "--topic", "users_data", "--count", str(PEOPLE), "--seed", "5"],
                              **client)
        assert sent.returncode == 0, sent.stderr
        node.eventually("all people", lambda: node.pipeline()["rowsWritten"] >= PEOPLE, 60)
        (count,) = node.rows("SELECT count(*) FROM spark_streams.created_users")
        assert count["count"] == PEOPLE
        described = subprocess.run([str(harness.BINARY), "group", "describe", "users", "-c", str(node.config), "--json"], **client)
        assert described.returncode == 0, described.stderr
        assert node.stop() == 0
        return node.tail(1 << 20) + sent.stderr + sent.stdout


@pytest.fixture(autouse=True)
def empty(secure_kafka):
    harness.empty(secure_kafka.address)


@pytest.mark.parametrize("listener", ["SASLPLAIN", "SASLTLS"])
@pytest.mark.parametrize("mechanism", USERS)
def test_sasl(secure_kafka, certificates, tmp_path, mechanism, listener):
    user, password = USERS[mechanism]
    security = {"protocol": "SASL_SSL" if listener == "SASLTLS" else "SASL_PLAINTEXT", "mechanism": mechanism, "username": user,
                "password": "${KAFKA_PASSWORD}"}
    if listener == "SASLTLS":
        security["ca_file"] = str(certificates / "ca.pem")
    said = lands(tmp_path, secure_kafka.addresses[listener], security, KAFKA_PASSWORD=password)
    assert password not in said


def test_tls_with_a_client_certificate(secure_kafka, certificates, tmp_path):
    lands(tmp_path, secure_kafka.addresses["MUTUAL"],
          {"protocol": "SSL", **{key + "_file": str(certificates / file) for key, file in
                                 (("ca", "ca.pem"), ("certificate", "client.pem"), ("key", "client.key"))}})


@pytest.mark.parametrize("why, listener, security, words", [
    ("wrong password", "SASLTLS", {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "plain", "password": "Wrong-One"}, "uthentication failed"),
    ("an unknown authority", "SASLTLS", {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "plain", "password": "Wrong-One", "ca_file": None},
     "certificate verify failed"),
])
def test_what_is_wrong_is_said_and_the_secret_is_not(secure_kafka, certificates, tmp_path, why, listener, security, words):
    security = {"ca_file": str(certificates / "ca.pem"), **security}
    security = {key: value for key, value in security.items() if value}
    address = secure_kafka.addresses[listener]
    config = tmp_path / "penstock.yaml"
    config.write_text(json.dumps({"kafka": {"bootstrap_servers": address, "security": security}, "pipelines": []}))
    done = subprocess.run([str(harness.BINARY), "produce", "-c", str(config), "--topic", "t", "--max-block-ms", "3000"], input="x\n",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert words in done.stderr and "Wrong-One" not in done.stderr, done.stderr


def test_cassandra_asks_for_a_password(tmp_path):
    with contextlib.ExitStack() as stack:
        cassandra = stack.enter_context(RealCassandra(
            tmp_path / "cassandra", "authenticator: {class_name: org.apache.cassandra.auth.PasswordAuthenticator}",
            "authorizer: CassandraAuthorizer", "role_manager: {class_name: CassandraRoleManager}"))
        node = harness.Penstock(tmp_path / "node", contact_point=cassandra.address)
        secret = tmp_path / "secret"
        secret.write_text("cassandra\n")
        configured(node, cassandra={"contact_points": [cassandra.address], "auth": {"username": "cassandra", "password_file": str(secret)}})
        stack.enter_context(node)
        node.command("generate", "-b", node.kafka, "--topic", "users_data", "--count", str(PEOPLE))
        node.eventually("all people", lambda: node.pipeline()["rowsWritten"] >= PEOPLE, 60)
        asked = ("cql", "-e", "SELECT count(*) FROM spark_streams.created_users", "--json")
        assert json.loads(node.command(*asked, "-c", str(node.config))) == {"count": PEOPLE}
        assert json.loads(node.command(*asked, "--contact-points", cassandra.address, "-u", "cassandra", "-p", "cassandra")) == {"count": PEOPLE}
        refused = node.run(*asked, "--contact-points", cassandra.address, "-u", "cassandra", "-p", "Wrong-One")
        assert refused.returncode != 0
        assert "username cassandra and/or password are incorrect" in refused.stderr and "Wrong-One" not in refused.stderr
        nobody = node.run(*asked, "--contact-points", cassandra.address)
        assert nobody.returncode != 0 and "asks for a user and password" in nobody.stderr, nobody.stderr


@pytest.fixture(scope="module")
def tls_cassandra(tmp_path_factory, certificates):
    """Takes TLS only, and asks for a certificate of ours."""
    folder = tmp_path_factory.mktemp("tls-cassandra")
    openssl("pkcs12", "-export", "-in", str(certificates / "server.pem"), "-inkey", str(certificates / "server.key"), "-out", "keys.p12",
            "-passout", "pass:secret", cwd=folder)
    subprocess.run(["keytool", "-importcert", "-noprompt", "-file", str(certificates / "ca.pem"), "-keystore", "trusted.p12", "-storetype", "PKCS12",
                    "-storepass", "secret"], cwd=folder, check=True, capture_output=True)
    stores = {"keystore": str(folder / "keys.p12"), "keystore_password": "secret", "truststore": str(folder / "trusted.p12"),
              "truststore_password": "secret", "store_type": "PKCS12"}
    options = {"enabled": True, "optional": False, "require_client_auth": True, **stores}
    with RealCassandra(folder / "node", f"client_encryption_options: {json.dumps(options)}") as engine:
        yield engine


def test_cassandra_over_tls(tls_cassandra, certificates, tmp_path):
    node = harness.Penstock(tmp_path / "node", contact_point=tls_cassandra.address)
    files = {key + "_file": str(certificates / file) for key, file in (("ca", "ca.pem"), ("certificate", "client.pem"), ("key", "client.key"))}
    configured(node, cassandra={"contact_points": [tls_cassandra.address], "tls": files})
    with node:
        node.command("generate", "-b", node.kafka, "--topic", "users_data", "--count", str(PEOPLE))
        node.eventually("all people", lambda: node.pipeline()["rowsWritten"] >= PEOPLE, 60)
        asked = ("cql", "-e", "SELECT count(*) FROM spark_streams.created_users", "--json", "-c", str(node.config))
        assert json.loads(node.command(*asked)) == {"count": PEOPLE}
        assert node.stop() == 0


@pytest.mark.parametrize("why, host, tls, words", [
    ("in the clear", "127.0.0.1", None, "does it speak TLS only?"),
    ("an unknown authority", "127.0.0.1", {"ca_file": "client.pem"}, "the server's certificate is refused"),
    ("no certificate of ours", "127.0.0.1", {"ca_file": "ca.pem"}, "certificate"),
])
def test_cassandra_over_tls_is_refused(tls_cassandra, certificates, tmp_path, why, host, tls, words):
    cassandra = {"contact_points": [f"{host}:{tls_cassandra.port}"]}
    if tls:
        cassandra["tls"] = {key: str(certificates / file) for key, file in tls.items()}
    config = tmp_path / "penstock.yaml"
    config.write_text(json.dumps({"cassandra": cassandra, "pipelines": []}))
    done = subprocess.run([str(harness.BINARY), "cql", "-c", str(config), "-e", "SELECT * FROM system.local"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert words in done.stderr, done.stderr
