// SPDX-License-Identifier: Apache-2.0
#include "http/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <future>
#include <optional>
#include <unordered_set>

#include "base/logging.h"
#include "net/asio_loop.h"

namespace penstock::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

class Conversation;

}  // namespace

// The listening socket and its connections; shared with the completions that are still to come.
class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(net::Loop& loop, const HttpOptions& http_options, Router routes)
      : options(http_options),
        router(std::move(routes)),
        loop_(loop),
        acceptor_(net::io_context(loop)) {}

  Result<void> open();
  void accept();
  void close(Duration answers_max);
  void gone(Conversation& conversation);
  const net::Address& address() const { return address_; }
  bool closing() const { return closing_; }

  const HttpOptions options;
  const Router router;

 private:
  void take(tcp::socket socket);

  net::Loop& loop_;
  tcp::acceptor acceptor_;
  net::Address address_;
  std::unordered_set<Conversation*> open_;
  bool closing_ = false;  // on the loop
  std::promise<void>* all_gone_ = nullptr;
  bool closed_ = false;  // by the owner's thread
};

namespace {

// One connection: read a request, answer it, again. Kept alive by the operation it waits for.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(std::shared_ptr<HttpServer::Impl> server, tcp::socket socket)
      : server_(std::move(server)), stream_(std::move(socket)) {}
  ~Conversation() { server_->gone(*this); }

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_->options.header_bytes_max));
    parser_->body_limit(server_->options.body_bytes_max);
    reading_ = true;
    stream_.expires_after(server_->options.idle_max);
    // The first byte ends the idle time; from then on the request has its own limit.
    beast::http::async_read_some(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->began(error); });
  }

  // Idle: close now. Answering: close after the answer, unless told not to wait for it.
  void finish(bool wait) {
    if (reading_ || !wait) stream_.close();
  }

 private:
  void began(error_code error) {
    if (error || parser_->is_done()) return on_request(error);
    stream_.expires_after(server_->options.request_max);
    beast::http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code end, std::size_t) { self->on_request(end); });
  }

  void on_request(error_code error) {
    reading_ = false;
    if (error) return refuse(error);
    const auto& message = parser_->get();
    Request request;
    request.method = std::string(message.method_string());
    for (const auto& field : message) {
      request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    const auto target = message.target();
    if (const auto parsed = parse_target({target.data(), target.size()}, request); !parsed) {
      return answer(to_http(parsed.error()), message.version(), false, false);
    }
    const bool keep_alive = message.keep_alive() && !server_->closing();
    const unsigned version = message.version();
    const bool head = request.method == "HEAD";
    request.body = std::move(parser_->get().body());
    answer(server_->router.answer(std::move(request)), version, keep_alive, head);
  }

  void refuse(const error_code& why) {
    using beast::http::error;
    const HttpOptions& options = server_->options;
    const auto last_words = [this](const Response& response) {
      answer(response, 11, false, false);
    };
    if (why == error::header_limit || why == error::buffer_overflow) {
      return last_words(
          problem(431, fmt::format("headers are limited to {} bytes", options.header_bytes_max)));
    }
    if (why == error::body_limit) {
      return last_words(
          problem(413, fmt::format("a body is limited to {} bytes", options.body_bytes_max)));
    }
    const bool malformed =
        why.category() == beast::http::make_error_code(error::bad_version).category();
    if (malformed && why != error::end_of_stream && why != error::partial_message) {
      return last_words(problem(400, "not an HTTP/1.1 request: " + why.message()));
    }
    stream_.close();  // the peer left, or took too long
  }

  void answer(Response response, unsigned version, bool keep_alive, bool head) {
    auto& out = out_.emplace(static_cast<beast::http::status>(response.status), version);
    out.set(beast::http::field::server, "penstock");
    if (response.status != 204) out.set(beast::http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) out.set(name, value);
    out.set("X-Content-Type-Options", "nosniff");
    out.keep_alive(keep_alive);
    if (response.status != 204) out.content_length(response.body.size());
    if (!head) out.body() = std::move(response.body);
    stream_.expires_after(server_->options.request_max);
    serializer_.emplace(out);
    // A message made for HEAD has a length and no body; Beast sends just the header of it.
    auto sent = [self = shared_from_this(), keep_alive](error_code error, std::size_t) {
      if (!error && keep_alive && !self->server_->closing()) return self->read();
      error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    };
    if (head) {
      beast::http::async_write_header(stream_, *serializer_, std::move(sent));
    } else {
      beast::http::async_write(stream_, *serializer_, std::move(sent));
    }
  }

  std::shared_ptr<HttpServer::Impl> server_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::optional<beast::http::response<beast::http::string_body>> out_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
  bool reading_ = false;
};

}  // namespace

Result<void> HttpServer::Impl::open() {
  error_code error;
  tcp::resolver resolver(net::io_context(loop_));
  const auto found =
      resolver.resolve(options.address.host, std::to_string(options.address.port),
                       tcp::resolver::numeric_service | tcp::resolver::passive, error);
  if (error)
    return fail(Code::InvalidArgument, "cannot listen on {}: {}", options.address.text(),
                error.message());
  const tcp::endpoint endpoint = *found.begin();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    const Code code = error == asio::error::address_in_use ? Code::Conflict : Code::Io;
    return fail(code, "cannot listen on {}: {}", options.address.text(), error.message());
  }
  address_ = {options.address.host, acceptor_.local_endpoint().port()};
  loop_.post([self = shared_from_this()] { self->accept(); });
  return {};
}

void HttpServer::Impl::accept() {
  if (closing_) return;
  acceptor_.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (self->closing_) return;
    if (error) {
      log_warn("http", "{}: accept failed: {}", self->address_.text(), error.message());
      self->loop_.after(Millis(100), [self] { self->accept(); });  // out of descriptors passes
      return;
    }
    self->take(std::move(socket));
    self->accept();
  });
}

void HttpServer::Impl::take(tcp::socket socket) {
  if (open_.size() >= options.connections_max) {
    log_warn("http", "{}: connection refused, {} are open already", address_.text(), open_.size());
    return;
  }
  auto conversation = std::make_shared<Conversation>(shared_from_this(), std::move(socket));
  open_.insert(conversation.get());
  conversation->read();
}

void HttpServer::Impl::gone(Conversation& conversation) {
  open_.erase(&conversation);
  if (open_.empty() && all_gone_ != nullptr) std::exchange(all_gone_, nullptr)->set_value();
}

void HttpServer::Impl::close(Duration answers_max) {
  if (std::exchange(closed_, true)) return;
  std::promise<void> gone;
  loop_.post([self = shared_from_this(), &gone, answers_max] {
    self->closing_ = true;
    error_code ignored;
    self->acceptor_.close(ignored);
    if (self->open_.empty()) return gone.set_value();
    self->all_gone_ = &gone;
    const auto finish_all = [self](bool wait) {
      for (Conversation* one : std::vector(self->open_.begin(), self->open_.end()))
        one->finish(wait);
    };
    finish_all(true);
    self->loop_.after(answers_max, [finish_all] { finish_all(false); });
  });
  gone.get_future().wait();
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(net::Loop& loop, const HttpOptions& options,
                                                       Router router) {
  auto impl = std::make_shared<Impl>(loop, options, std::move(router));
  TRY(impl->open());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  close();
}
const net::Address& HttpServer::address() const {
  return impl_->address();
}
void HttpServer::close(Duration answers_max) {
  impl_->close(answers_max);
}

}  // namespace penstock::http
