// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http_server.h"

namespace penstock::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Router routes() {
  Router router;
  router.add("GET", "/hello", [](const Request&) { return text("hi\n"); });
  router.add("GET", "/pipelines/{name}",
             [](const Request& r) { return text(r.captures.at("name")); });
  router.add("GET", "/pipelines/all", [](const Request&) { return text("every one"); });
  router.add("POST", "/echo", [](const Request& r) { return text(r.body + r.query.at("and")); });
  router.add("GET", "/throws",
             [](const Request&) -> Response { throw std::runtime_error("secret"); });
  return router;
}

// A server on a free port and a client that speaks bytes.
struct Served {
  explicit Served(HttpOptions options = {}) {
    options.address = {"127.0.0.1", 0};
    auto opened = HttpServer::listen(loops.at(0), options, routes());
    EXPECT_TRUE(opened) << opened.error().message;
    server = std::move(*opened);
  }
  int dial() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server->address().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return fd;
  }
  // Everything that comes back until the server closes.
  std::string say(std::string_view bytes) const {
    const int fd = dial();
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    std::string all = read_all(fd);
    ::close(fd);
    return all;
  }
  static std::string read_all(int fd) {
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
      all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }
  std::string get(std::string_view path, std::string_view method = "GET") const {
    return say(fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path));
  }

  net::Loops loops{1, "test"};
  std::unique_ptr<HttpServer> server;
};

TEST(HttpServer, AnswersARouteWithItsBody) {
  const std::string answer = Served().get("/hello");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhi\n"));
}

TEST(HttpServer, LiteralSegmentWinsOverACapture) {
  const Served served;
  EXPECT_THAT(served.get("/pipelines/us%65rs"), EndsWith("\r\n\r\nusers"));
  EXPECT_THAT(served.get("/pipelines/all"), EndsWith("\r\n\r\nevery one"));
}

TEST(HttpServer, HeadGetsTheHeadersAlone) {
  const std::string answer = Served().get("/hello", "HEAD");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, ErrorsAreProblemJson) {
  const Served served;
  const std::string missing = served.get("/nothing");
  EXPECT_THAT(missing, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(missing, HasSubstr("application/problem+json"));
  EXPECT_THAT(missing, HasSubstr(R"("status":404,"detail":"nothing is served at /nothing")"));
  const std::string wrong = served.get("/hello", "DELETE");
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(wrong, HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
  const std::string thrown = served.get("/throws");
  EXPECT_THAT(thrown, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(thrown, Not(HasSubstr("secret")));
  EXPECT_THAT(served.say("what is this\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(served.get("/%zz"), StartsWith("HTTP/1.1 400 "));
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrderOnOneConnection) {
  const std::string answer = Served().say(
      "GET /pipelines/one HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /echo?and=%20more HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: "
      "close\r\n\r\ntwo");
  EXPECT_LT(answer.find("\r\n\r\none"), answer.find("\r\n\r\ntwo more"));
}

TEST(HttpServer, TooLargeIsRefusedBeforeItIsRead) {
  const Served served({.address = {}, .header_bytes_max = 200, .body_bytes_max = 10});
  EXPECT_THAT(served.say("POST /echo HTTP/1.1\r\nContent-Length: 11\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(served.say("GET /hello HTTP/1.1\r\nX: " + std::string(300, 'x')),
              StartsWith("HTTP/1.1 431 "));
}

TEST(HttpServer, SlowRequestAndIdleConnectionAreClosed) {
  const Served served({.address = {}, .request_max = Millis(30), .idle_max = Millis(30)});
  EXPECT_EQ(served.say("GET /hel"), "");
  EXPECT_THAT(served.say("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("hi\n"));
}

TEST(HttpServer, CloseEndsIdleConnections) {
  Served served;
  const int fd = served.dial();
  const std::string_view request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  char first = 0;
  ASSERT_EQ(::read(fd, &first, 1), 1);
  served.server->close();
  EXPECT_THAT(Served::read_all(fd), EndsWith("hi\n"));
  ::close(fd);
}

TEST(HttpServer, TakenAddressIsNamed) {
  Served served;
  const auto again =
      HttpServer::listen(served.loops.at(0), {.address = served.server->address()}, Router());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::Conflict);
  EXPECT_THAT(again.error().message, HasSubstr(served.server->address().text()));
}

}  // namespace
}  // namespace penstock::http
