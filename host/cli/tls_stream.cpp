#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <utility>

#include "host/cli/output.h"
#include "host/cli/stream.h"

namespace longhaul::host::cli {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* each) const { ::SSL_CTX_free(each); }
};
struct FreeSsl {
  void operator()(SSL* each) const { ::SSL_free(each); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Ssl = std::unique_ptr<SSL, FreeSsl>;

std::string reason() {
  const unsigned long code = ::ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  ::ERR_clear_error();
  return text == nullptr ? "it closed the connection" : text;
}

class TlsStream final : public Stream {
 public:
  TlsStream(UniqueFd fd, Ssl ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}

  Moved read(std::span<char> into) override {
    ::ERR_clear_error();
    return moved(::SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX))));
  }
  Moved write(std::string_view bytes) override {
    ::ERR_clear_error();
    return moved(::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX))));
  }
  int fd() const override { return fd_.get(); }

 private:
  Moved moved(int count) {
    if (count > 0) return {Moved::State::Some, static_cast<std::size_t>(count)};
    switch (::SSL_get_error(ssl_.get(), count)) {
      case SSL_ERROR_WANT_READ:
        return {Moved::State::Wait, 0, POLLIN};
      case SSL_ERROR_WANT_WRITE:
        return {Moved::State::Wait, 0, POLLOUT};
      case SSL_ERROR_ZERO_RETURN:
        return {Moved::State::Ended};
      default:
        return {Moved::State::Broken};
    }
  }

  UniqueFd fd_;
  Ssl ssl_;
};

Result<Context> makeContext(const DaemonAddress& address) {
  Context context{::SSL_CTX_new(::TLS_client_method())};
  if (!context) return Error{Code::Internal, fmt::format("TLS cannot be set up: {}", reason())};
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (address.ca.empty()) {
    ::SSL_CTX_set_default_verify_paths(context.get());
  } else if (::SSL_CTX_load_verify_locations(context.get(), address.ca.c_str(), nullptr) != 1) {
    return Error{Code::Invalid,
                 fmt::format("LONGHAUL_CA: {} has no certificate in PEM ({})", address.ca.native(), reason())};
  }
  return context;
}

void expectName(SSL* ssl, const DaemonAddress& address) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool numeric = ::inet_pton(AF_INET, address.host.c_str(), bytes.data()) == 1 ||
                       ::inet_pton(AF_INET6, address.host.c_str(), bytes.data()) == 1;
  if (numeric) {
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), address.host.c_str());
    return;
  }
  ::SSL_set1_host(ssl, address.host.c_str());
  ::SSL_set_tlsext_host_name(ssl, address.host.c_str());
}

Error refused(SSL* ssl, const DaemonAddress& address) {
  const long result = ::SSL_get_verify_result(ssl);
  if (result == X509_V_OK) {
    return {Code::Closed, fmt::format("no TLS with {}: {}", address.text(), reason())};
  }
  return withHint({Code::NotGranted, fmt::format("the certificate of {} is not to be trusted: {}", address.text(),
                                                 ::X509_verify_cert_error_string(result))},
                  "LONGHAUL_CA=FILE names the certificate that signs it, or its own when it signs itself");
}

}  // namespace

Result<std::unique_ptr<Stream>> tlsStream(UniqueFd fd, const DaemonAddress& address,
                                          std::chrono::steady_clock::time_point deadline) {
  auto context = makeContext(address);
  if (!context) return std::move(context).error();
  Ssl ssl{::SSL_new(context->get())};
  if (!ssl || ::SSL_set_fd(ssl.get(), fd.get()) != 1) {
    return Error{Code::Internal, fmt::format("TLS cannot be set up: {}", reason())};
  }
  expectName(ssl.get(), address);
  while (true) {
    ::ERR_clear_error();
    const int done = ::SSL_connect(ssl.get());
    if (done == 1) break;
    const int error = ::SSL_get_error(ssl.get(), done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return refused(ssl.get(), address);
    const short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    if (auto ready = awaitReady(fd.get(), events, deadline); !ready) return ready.error();
  }
  return std::unique_ptr<Stream>(std::make_unique<TlsStream>(std::move(fd), std::move(ssl)));
}

}  // namespace longhaul::host::cli
