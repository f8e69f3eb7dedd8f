// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>

#include "base/check.h"

namespace penstock::net {
namespace {

// The oldest reason in OpenSSL's queue of this thread, which is then empty.
std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the connection ended";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "error " + std::to_string(code) : reason;
}

// Never asks on the terminal.
int give_password(char* buffer, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.size() > static_cast<std::size_t>(size)) return 0;
  std::memcpy(buffer, text.data(), text.size());
  return static_cast<int>(text.size());
}

}  // namespace

struct TlsClient::Impl {
  ~Impl() { SSL_CTX_free(context); }
  SSL_CTX* context = nullptr;
  bool verify = true;
};

namespace {

// The connection in the clear that the inner session sees, and the session that feeds it.
class TlsConnection final : public Connection, public std::enable_shared_from_this<TlsConnection> {
 public:
  TlsConnection(SSL_CTX* context, bool verify, std::string host, FrameSize frame_size,
                const ConnectionLimits& limits, const ConnectionPtr& outer)
      : host_(std::move(host)),
        frame_size_(frame_size),
        limits_(limits),
        outer_(outer.get()),
        loop_(outer->loop()),
        id_(outer->id()),
        local_(outer->local()),
        peer_(outer->peer()) {
    ssl_ = SSL_new(context);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    CHECK(ssl_ != nullptr && in_ != nullptr && out_ != nullptr, "out of memory");
    SSL_set_bio(ssl_, in_, out_);  // owns both
    SSL_set_connect_state(ssl_);
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_);
    const bool by_address = X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str()) == 1;
    if (!by_address) {
      SSL_set_tlsext_host_name(ssl_, host_.c_str());
      X509_VERIFY_PARAM_set1_host(wanted, host_.c_str(), host_.size());
    }
    SSL_set_verify(ssl_, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  }
  ~TlsConnection() override { SSL_free(ssl_); }

  std::uint64_t id() const override { return id_; }
  Loop& loop() override { return loop_; }
  const Address& local() const override { return local_; }
  const Address& peer() const override { return peer_; }

  void send(Bytes bytes) override {
    if (!open_ || closing_ || bytes.empty()) return;
    std::size_t written = 0;
    ERR_clear_error();
    // Into memory it all goes at once.
    if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) != 1 || written != bytes.size())
      return broken();
    flush();
  }
  std::size_t outbound_bytes() const override {
    return outer_ == nullptr ? 0 : outer_->outbound_bytes();
  }
  void frame_by(FrameSize frame_size) override { frame_size_ = frame_size; }
  void pause_reading() override {
    ++pauses_;
    if (outer_ != nullptr) outer_->pause_reading();
  }
  void resume_reading() override {
    CHECK(pauses_ > 0);
    --pauses_;
    if (outer_ != nullptr) outer_->resume_reading();
    if (pauses_ == 0) loop_.post([self = shared_from_this()] { self->deliver(); });
  }
  void close_after_sending() override { end(true); }
  void close() override { end(false); }

  void begin(std::unique_ptr<Session> inner, Duration timeout) {
    inner_ = std::move(inner);
    timer_ = loop_.after(timeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->refuse(Code::Timeout, "it does not end");
    });
    shake_hands();
  }
  void receive(BytesView bytes) {
    const auto self = shared_from_this();
    if (outer_ == nullptr || closing_) return;
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    if (!open_) shake_hands();
    if (open_) read();
  }
  void sent(std::size_t bytes) {
    if (open_ && inner_ != nullptr) inner_->on_sent(*this, bytes);
  }
  void ended() {
    const auto self = shared_from_this();
    if (!open_ && !told_ && inner_ != nullptr)
      refuse(Code::Unavailable, "the peer closed the connection");
    outer_ = nullptr;
    open_ = false;
    loop_.cancel(timer_);
    if (const auto inner = std::move(inner_)) inner->on_close(*this);
  }

 private:
  void shake_hands() {
    ERR_clear_error();  // of others on this thread
    const int done = SSL_do_handshake(ssl_);
    flush();
    if (done == 1) {
      loop_.cancel(timer_);
      open_ = true;
      inner_->on_open(*this);
      return;
    }
    if (SSL_get_error(ssl_, done) == SSL_ERROR_WANT_READ) return;
    const long verified = SSL_get_verify_result(ssl_);
    std::string reason = openssl_reason();
    if (verified != X509_V_OK && SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE)
      reason = std::string("the server's certificate is refused: ") +
               X509_verify_cert_error_string(verified);
    refuse(Code::Unauthorized, reason);
  }

  void refuse(Code code, const std::string& why) {
    if (std::exchange(told_, true)) return;
    const auto self = shared_from_this();
    if (inner_ != nullptr) {
      const std::string what = open_ ? "TLS with " : "TLS handshake with ";
      inner_->on_bad_frame(*this, {}, Error{code, what + host_ + ": " + why});
    }
    end(false);
  }
  void broken() { refuse(Code::Io, openssl_reason()); }

  void read() {
    while (open_ && !closing_) {
      constexpr std::size_t kRecordBytes = 16 << 10;
      const std::size_t held = plain_.size();
      plain_.resize(held + kRecordBytes);
      std::size_t bytes = 0;
      ERR_clear_error();
      const int done = SSL_read_ex(ssl_, plain_.data() + held, kRecordBytes, &bytes);
      plain_.resize(held + (done == 1 ? bytes : 0));
      if (done == 1) continue;
      const int error = SSL_get_error(ssl_, done);
      deliver();
      flush();  // what TLS itself had to say
      if (error == SSL_ERROR_ZERO_RETURN) return end(false);
      if (error != SSL_ERROR_WANT_READ && open_) broken();
      return;
    }
  }

  void deliver() {
    const auto self = shared_from_this();
    std::size_t begin = 0;
    while (open_ && !closing_ && pauses_ == 0 && begin < plain_.size()) {
      const BytesView head = BytesView(plain_).substr(begin);
      Result<std::size_t> size = frame_size_(head);
      if (size && *size > limits_.frame_bytes_max)
        size = fail(Code::TooLarge, "a frame of {} bytes is over the limit of {}", *size,
                    limits_.frame_bytes_max);
      if (!size) {
        inner_->on_bad_frame(*this, head, size.error());
        begin = plain_.size();
        break;
      }
      if (*size == 0 || *size > head.size()) break;
      inner_->on_frame(*this, head.substr(0, *size));
      begin += *size;
    }
    plain_.erase(0, begin);
  }

  void flush() {
    const std::size_t waiting = BIO_ctrl_pending(out_);
    if (waiting == 0 || outer_ == nullptr) return;
    Bytes bytes(waiting, '\0');
    BIO_read(out_, bytes.data(), static_cast<int>(waiting));
    outer_->send(std::move(bytes));
  }

  // on_close() comes by way of the outer connection.
  void end(bool after_sending) {
    if (outer_ == nullptr || closing_) return;
    closing_ = true;
    if (open_) SSL_shutdown(ssl_);
    flush();
    if (after_sending) {
      outer_->close_after_sending();
    } else {
      outer_->close();
    }
  }

  const std::string host_;
  FrameSize frame_size_;
  const ConnectionLimits limits_;
  Connection* outer_;  // null once it has ended
  Loop& loop_;
  const std::uint64_t id_;
  const Address local_;
  const Address peer_;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::unique_ptr<Session> inner_;
  TimerId timer_ = TimerId::None;
  Bytes plain_;  // not yet delivered
  int pauses_ = 0;
  bool open_ = false;  // the handshake is done
  bool closing_ = false;
  bool told_ = false;  // the inner session knows what went wrong
};

class TlsSession final : public Session {
 public:
  TlsSession(std::shared_ptr<const void> keep, std::shared_ptr<TlsConnection> connection,
             Duration timeout, const MakeSession& inner)
      : keep_(std::move(keep)), connection_(std::move(connection)), timeout_(timeout) {
    inner_ = inner(connection_);
  }
  void on_open(Connection&) override { connection_->begin(std::move(inner_), timeout_); }
  void on_frame(Connection&, BytesView frame) override { connection_->receive(frame); }
  void on_sent(Connection&, std::size_t bytes) override { connection_->sent(bytes); }
  void on_close(Connection&) override { connection_->ended(); }

 private:
  std::shared_ptr<const void> keep_;
  std::shared_ptr<TlsConnection> connection_;
  Duration timeout_;
  std::unique_ptr<Session> inner_;
};

}  // namespace

TlsClient::TlsClient(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<const TlsClient>> TlsClient::make(const TlsOptions& options) {
  auto impl = std::make_shared<Impl>();
  impl->context = SSL_CTX_new(TLS_client_method());
  CHECK(impl->context != nullptr, "out of memory");
  SSL_CTX* context = impl->context;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  impl->verify = options.verify;
  ERR_clear_error();
  const auto unusable = [](const char* what, const std::string& file) {
    return fail(Code::InvalidArgument, "{} {}: {}", what, file, openssl_reason());
  };
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1) {
    return unusable("certificate authorities in", options.ca_file);
  }
  std::string password = options.key_password;
  SSL_CTX_set_default_passwd_cb(context, give_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, &password);
  if (!options.certificate_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
      return unusable("certificate in", options.certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
      return unusable("key in", options.key_file);
  }
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  return std::shared_ptr<const TlsClient>(new TlsClient(std::move(impl)));
}

MakeSession TlsClient::session(std::string host, Duration timeout, FrameSize frame_size,
                               const ConnectionLimits& limits, MakeSession inner) const {
  return [impl = impl_, host = std::move(host), timeout, frame_size, limits,
          inner = std::move(inner)](const ConnectionPtr& outer) -> std::unique_ptr<Session> {
    auto connection = std::make_shared<TlsConnection>(impl->context, impl->verify, host, frame_size,
                                                      limits, outer);
    return std::make_unique<TlsSession>(impl, std::move(connection), timeout, inner);
  };
}

Result<std::size_t> any_bytes(BytesView head) {
  return head.size();
}

}  // namespace penstock::net
