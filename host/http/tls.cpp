#include "host/http/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "host/base/text.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::http {
namespace {

namespace fs = std::filesystem;

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* of) const {
    free(of);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Freed<SSL_free>>;

// The oldest error of the thread's queue, which is emptied.
std::string opensslError() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  std::array<char, 256> text{};
  if (code == 0) return "no reason was given";
  ::ERR_error_string_n(code, text.data(), text.size());
  const char* reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? reason : text.data();
}

Error wrong(const fs::path& file, const std::string& what, std::string_view remedy) {
  return {Code::Invalid, fmt::format("{}: {}; {}", file.native(), what, remedy)};
}

// http/1.1 is all that is spoken; who offers other protocols alone gets an alert.
int chooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                   unsigned int in_size, void*) {
  static constexpr std::array<unsigned char, 9> kProtocols{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (::SSL_select_next_proto(&chosen, out_size, kProtocols.data(), kProtocols.size(), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> checkFile(const fs::path& file, bool is_key) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    return wrong(file, std::strerror(errno), is_key ? "http.key names it" : "http.certificate names it");
  }
  if (is_key && (status.st_mode & S_IRWXO) != 0) {
    return wrong(file, fmt::format("others may read this key (mode {:04o})", status.st_mode & 07777),
                 fmt::format("run: chmod o= {}", file.native()));
  }
  return {};
}

std::int64_t timeUs(const ASN1_TIME* time) {
  tm broken{};
  if (::ASN1_TIME_to_tm(time, &broken) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&broken)) * 1'000'000;
}

struct Loaded {
  Context context;
  std::int64_t begins_at_us = 0;
  std::int64_t expires_at_us = 0;

  std::string outOfTime() const {
    const std::int64_t now_us = wallNowUs();
    if (now_us >= expires_at_us) return fmt::format("it expired at {}", formatTimeUs(expires_at_us));
    if (now_us < begins_at_us) return fmt::format("it is not valid before {}", formatTimeUs(begins_at_us));
    return {};
  }
};

Result<Loaded> read(const TlsFiles& files) {
  if (auto checked = checkFile(files.certificate, false); !checked) return checked.error();
  if (auto checked = checkFile(files.key, true); !checked) return checked.error();
  Loaded loaded{.context = Context{::SSL_CTX_new(::TLS_server_method())}};
  SSL_CTX* context = loaded.context.get();
  if (context == nullptr) return Error{Code::Internal, "OpenSSL has no memory"};
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nullptr);
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return wrong(files.certificate, fmt::format("it is no certificate in PEM ({})", opensslError()),
                 "wanted the server's certificate, then its chain");
  }
  if (::SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const std::string error = opensslError();
    return wrong(files.key, fmt::format("it is not the key of {} ({})", files.certificate.native(), error),
                 "wanted the private key in PEM, without a passphrase");
  }
  if (::SSL_CTX_check_private_key(context) != 1) {
    return wrong(files.key, fmt::format("it is not the key of {} ({})", files.certificate.native(), opensslError()),
                 "wanted the private key of that certificate");
  }
  const X509* certificate = ::SSL_CTX_get0_certificate(context);
  loaded.begins_at_us = timeUs(::X509_get0_notBefore(certificate));
  loaded.expires_at_us = timeUs(::X509_get0_notAfter(certificate));
  return loaded;
}

class Tls final : public Transport {
 public:
  Tls(UniqueFd fd, Ssl ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}

  int fd() const override { return fd_.get(); }

  Moved read(char* into, std::size_t size) override {
    ::ERR_clear_error();
    const int count = ::SSL_read(ssl_.get(), into, clamped(size));
    if (count > 0) return {State::Done, static_cast<std::size_t>(count)};
    switch (::SSL_get_error(ssl_.get(), count)) {
      case SSL_ERROR_WANT_READ:
        return {State::Again};
      case SSL_ERROR_WANT_WRITE:
        return {State::WantWrite};
      case SSL_ERROR_ZERO_RETURN:
        return {State::Ended};
      default:
        // Also an end of the bytes without a close_notify: what came may be cut off.
        return broken();
    }
  }

  Moved write(std::string_view bytes) override {
    if (is_broken_) return {State::Broken};
    ::ERR_clear_error();
    const int count = ::SSL_write(ssl_.get(), bytes.data(), clamped(bytes.size()));
    if (count > 0) return {State::Done, static_cast<std::size_t>(count)};
    // WANT_READ does not come: an answer follows a request, so the handshake is over, and there is no renegotiation.
    return ::SSL_get_error(ssl_.get(), count) == SSL_ERROR_WANT_WRITE ? Moved{State::Again} : broken();
  }

  void endWriting() override {
    ::ERR_clear_error();
    if (!is_broken_ && ::SSL_is_init_finished(ssl_.get()) == 1) (void)::SSL_shutdown(ssl_.get());
    ::shutdown(fd_.get(), SHUT_WR);
  }

 private:
  static int clamped(std::size_t size) { return size > INT_MAX ? INT_MAX : static_cast<int>(size); }
  Moved broken() {
    is_broken_ = true;  // nothing may be asked of it then, not even to shut down
    ::ERR_clear_error();
    return {State::Broken};
  }

  UniqueFd fd_;
  Ssl ssl_;
  bool is_broken_ = false;
};

class Server final : public TlsServer {
 public:
  Server(TlsFiles files, Loaded loaded) : files_(std::move(files)), loaded_(std::move(loaded)) {}

  Result<void> reload() override {
    auto loaded = read(files_);
    if (!loaded) return std::move(loaded).error();
    if (const std::string out = loaded->outOfTime(); !out.empty()) {
      return wrong(files_.certificate, out, "the one that was read before stays in use");
    }
    loaded_ = *std::move(loaded);
    return {};
  }

  std::string warning() const override {
    const std::string out = loaded_.outOfTime();
    return out.empty() ? out : fmt::format("{}: {}", files_.certificate.native(), out);
  }
  std::int64_t expiresAtUs() const override { return loaded_.expires_at_us; }

  std::unique_ptr<Transport> accept(UniqueFd fd) override {
    Ssl ssl{::SSL_new(loaded_.context.get())};
    if (!ssl || ::SSL_set_fd(ssl.get(), fd.get()) != 1) return nullptr;
    ::SSL_set_accept_state(ssl.get());
    return std::make_unique<Tls>(std::move(fd), std::move(ssl));
  }

 private:
  TlsFiles files_;
  Loaded loaded_;
};

}  // namespace

Result<std::unique_ptr<TlsServer>> TlsServer::load(TlsFiles files) {
  auto loaded = read(files);
  if (!loaded) return std::move(loaded).error();
  return std::unique_ptr<TlsServer>{std::make_unique<Server>(std::move(files), *std::move(loaded))};
}

}  // namespace longhaul::host::http
