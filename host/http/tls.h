// TLS 1.2 and later on the server's side, by OpenSSL: a certificate with its key, and connections under it. Files are
// read by load() and reload() alone, which block for a moment. Loop only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "host/base/result.h"
#include "host/http/transport.h"

namespace longhaul::host::http {

struct TlsFiles {
  std::filesystem::path certificate;  // PEM: the server's first, then those that lead to its root
  std::filesystem::path key;          // PEM, without a passphrase
};

class TlsServer {
 public:
  // INVALID with what is wrong with which file: not there, none, a key of another certificate, a key that others may
  // read. One that is out of its time is taken, and warning() says so: a daemon without its page helps nobody.
  static Result<std::unique_ptr<TlsServer>> load(TlsFiles files);
  virtual ~TlsServer() = default;

  // Reads the files again, for connections from now on. What is wrong, or out of its time, leaves all as it was.
  virtual Result<void> reload() = 0;
  // Of the certificate in use; empty: there is nothing to say.
  virtual std::string warning() const = 0;
  virtual std::int64_t expiresAtUs() const = 0;
  // A connection that was accepted, its handshake still to come. Null: there was no memory.
  virtual std::unique_ptr<Transport> accept(UniqueFd fd) = 0;
};

}  // namespace longhaul::host::http
