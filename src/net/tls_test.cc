// SPDX-License-Identifier: Apache-2.0
// The client's TLS against OpenSSL's own server, over bytes that the test carries to and fro.
#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <filesystem>

#include "net/fake_connection.h"

namespace penstock::net {
namespace {

// A certificate with its key; its own authority unless one is given.
class Certificate {
 public:
  Certificate(const std::string& name, const Certificate* authority) {
    key_ = EVP_EC_gen("P-256");
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), authority == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* subject = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    const Certificate& issuer = authority == nullptr ? *this : *authority;
    X509_set_issuer_name(certificate_, X509_get_subject_name(issuer.certificate_));
    if (authority == nullptr) {
      extend(NID_basic_constraints, "critical,CA:TRUE");
    } else {
      extend(NID_subject_alt_name, name.c_str());
    }
    X509_sign(certificate_, issuer.key_, EVP_sha256());
  }
  ~Certificate() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string write(const std::string& file) const {
    // Tests run beside each other, each in a process of its own.
    const auto path =
        std::filesystem::path(testing::TempDir()) / (std::to_string(::getpid()) + file);
    FILE* to = std::fopen(path.c_str(), "w");
    PEM_write_X509(to, certificate_);
    PEM_write_PrivateKey(to, key_, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(to);
    return path;
  }
  X509* certificate() const { return certificate_; }
  EVP_PKEY* key() const { return key_; }

 private:
  void extend(int what, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    X509_add_ext(certificate_, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509* certificate_ = X509_new();
  EVP_PKEY* key_ = nullptr;
};

// The server's end.
class Server {
 public:
  explicit Server(const Certificate& certificate, const Certificate* clients = nullptr) {
    SSL_CTX_use_certificate(context_, certificate.certificate());
    SSL_CTX_use_PrivateKey(context_, certificate.key());
    if (clients != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), clients->certificate());
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_accept_state(ssl_);
  }
  ~Server() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void take(BytesView bytes) {
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    if (SSL_do_handshake(ssl_) != 1) return;
    char buffer[4096];
    std::size_t size = 0;
    while (SSL_read_ex(ssl_, buffer, sizeof buffer, &size) == 1) heard.append(buffer, size);
  }
  void say(BytesView text) {
    std::size_t written = 0;
    SSL_write_ex(ssl_, text.data(), text.size(), &written);
  }
  Bytes give() {
    Bytes bytes(BIO_ctrl_pending(out_), '\0');
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

  std::string heard;

 private:
  SSL_CTX* context_ = SSL_CTX_new(TLS_server_method());
  SSL* ssl_ = nullptr;
  BIO* in_ = BIO_new(BIO_s_mem());
  BIO* out_ = BIO_new(BIO_s_mem());
};

// Frames end with a full stop.
Result<std::size_t> sentence(BytesView head) {
  const std::size_t end = head.find('.');
  return end == BytesView::npos ? 0 : end + 1;
}

struct Told {
  bool open = false;
  bool closed = false;
  std::vector<std::string> frames;
  std::string error;
  Connection* connection = nullptr;
};

class Listening final : public Session {
 public:
  explicit Listening(Told& told) : told_(told) {}
  void on_open(Connection& connection) override {
    told_.open = true;
    told_.connection = &connection;
  }
  void on_frame(Connection&, BytesView frame) override { told_.frames.emplace_back(frame); }
  void on_bad_frame(Connection& connection, BytesView, const Error& error) override {
    told_.error = error.message;
    connection.close();
  }
  void on_close(Connection&) override { told_.closed = true; }

 private:
  Told& told_;
};

class TlsTest : public testing::Test {
 protected:
  // Dials `host`, whose server has `certificate`, and carries bytes until nobody says any more.
  void dial(const std::string& host, const TlsOptions& options, const Certificate& certificate,
            const Certificate* clients = nullptr) {
    server = std::make_unique<Server>(certificate, clients);
    begin(host, options);
    carry();
  }
  // Our half of it: the hello is on its way.
  void begin(const std::string& host, const TlsOptions& options) {
    const auto client = TlsClient::make(options).value();
    outer = std::make_shared<FakeConnection>(loop);
    session = client->session(
        host, std::chrono::seconds(5), sentence, {},
        [this](const ConnectionPtr&) { return std::make_unique<Listening>(told); })(outer);
    session->on_open(*outer);
  }
  void carry(std::size_t piece = 1 << 20) {
    for (int turn = 0; turn < 10; ++turn) {
      server->take(outer->take_sent());
      const Bytes bytes = server->give();
      for (std::size_t at = 0; at < bytes.size() && outer->open; at += piece)
        session->on_frame(*outer, BytesView(bytes).substr(at, piece));
      loop.run();
    }
    if (!outer->open && !told.closed) session->on_close(*outer);
  }

  Certificate authority{"authority", nullptr};
  std::string ca_file = authority.write("ca.pem");
  FakeLoop loop;
  Told told;
  std::unique_ptr<Server> server;
  std::shared_ptr<FakeConnection> outer;
  std::unique_ptr<Session> session;
};

TEST_F(TlsTest, BothSidesHearEachOtherInTheClearAndInFrames) {
  dial("db.example", {.ca_file = ca_file}, Certificate("DNS:db.example", &authority));
  ASSERT_TRUE(told.open) << told.error;
  told.connection->send("hello");
  server->say("one.two.thr");
  carry(7);  // in pieces that cut records
  EXPECT_EQ(server->heard, "hello");
  EXPECT_EQ(told.frames, (std::vector<std::string>{"one.", "two."}));
  const std::string large(100'000, 'x');
  server->say("ee." + large + ".");
  told.connection->send(large);
  carry();
  EXPECT_EQ(told.frames.size(), 4);
  EXPECT_EQ(told.frames.back().size(), large.size() + 1);
  EXPECT_EQ(server->heard.size(), large.size() + 5);
  told.connection->close();
  carry();
  EXPECT_TRUE(told.closed);
}

TEST_F(TlsTest, AnUnknownAuthorityIsRefused) {
  const Certificate other("authority", nullptr);
  dial("db.example", {.ca_file = other.write("other.pem")},
       Certificate("DNS:db.example", &authority));
  EXPECT_FALSE(told.open);
  EXPECT_TRUE(told.closed);
  EXPECT_NE(told.error.find("TLS handshake with db.example: the server's certificate is refused"),
            std::string::npos)
      << told.error;
}

TEST_F(TlsTest, ACertificateOfAnotherHostIsRefused) {
  dial("db.example", {.ca_file = ca_file}, Certificate("DNS:other.example", &authority));
  EXPECT_FALSE(told.open);
  EXPECT_NE(told.error.find("hostname mismatch"), std::string::npos) << told.error;
}

TEST_F(TlsTest, ACertificateOfAnotherAddressIsRefused) {
  dial("127.0.0.2", {.ca_file = ca_file}, Certificate("IP:127.0.0.1", &authority));
  EXPECT_FALSE(told.open);
  EXPECT_NE(told.error.find("IP address mismatch"), std::string::npos) << told.error;
}

TEST_F(TlsTest, AnAddressIsFoundInTheCertificate) {
  dial("127.0.0.1", {.ca_file = ca_file}, Certificate("IP:127.0.0.1", &authority));
  EXPECT_TRUE(told.open) << told.error;
}

TEST_F(TlsTest, VerificationCanBeSwitchedOff) {
  const Certificate other("authority", nullptr);
  dial("db.example", {.ca_file = other.write("other.pem"), .verify = false},
       Certificate("DNS:another.example", &authority));
  EXPECT_TRUE(told.open) << told.error;
}

TEST_F(TlsTest, TheServerMayAskForOurCertificate) {
  const std::string file = Certificate("DNS:me", &authority).write("me.pem");
  dial("db.example", {.ca_file = ca_file, .certificate_file = file, .key_file = file},
       Certificate("DNS:db.example", &authority), &authority);
  told.connection->send("hello");
  carry();
  EXPECT_EQ(server->heard, "hello");
}

TEST_F(TlsTest, WithoutOurCertificateSuchAServerIsAnError) {
  dial("db.example", {.ca_file = ca_file}, Certificate("DNS:db.example", &authority), &authority);
  EXPECT_NE(told.error.find("certificate required"), std::string::npos) << told.error;
  EXPECT_TRUE(told.closed);
}

TEST_F(TlsTest, AServerThatDoesNotSpeakTlsIsAnError) {
  begin("db.example", {.ca_file = ca_file});
  session->on_frame(*outer, "\x84 this is no TLS at all");
  EXPECT_NE(told.error.find("wrong version number"), std::string::npos) << told.error;
  EXPECT_FALSE(outer->open);
}

TEST_F(TlsTest, AHandshakeThatDoesNotEndTimesOut) {
  begin("db.example", {.ca_file = ca_file});
  loop.advance(std::chrono::seconds(6));
  EXPECT_FALSE(told.error.empty());
  EXPECT_FALSE(outer->open);
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreNamed) {
  const auto missing = TlsClient::make({.ca_file = "/nowhere/ca.pem"});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/nowhere/ca.pem"), std::string::npos);
  const auto no_key = TlsClient::make({.certificate_file = ca_file, .key_file = "/nowhere/key"});
  ASSERT_FALSE(no_key);
  EXPECT_NE(no_key.error().message.find("/nowhere/key"), std::string::npos);
}

}  // namespace
}  // namespace penstock::net
