// What an operator can ask for about secrets: which there are, to set one, to encrypt one for a file, to take another
// key. A secret goes in and never comes out: no answer holds one, or its ciphertext, but the reference that was asked
// for. Loop only; what writes the key file is the job thread's. A reply as AdminService gives it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/answer.h"
#include "host/admin/plan_runner.h"
#include "host/secrets/vault.h"

namespace longhaul::host::admin {

class SecretService {
 public:
  struct Parts {
    supervisor::Supervisor& supervisor;
    const catalog::Catalog& catalog;
    store::StoreQueries& queries;
    const config::DaemonConfig& config;
    RunJob run_job;
    secrets::Vault* vault;  // null: there is no place for keys
    PlanRunner& plans;
    std::function<Failure(std::string_view name)> unknown_instance;
  };
  explicit SecretService(Parts parts) : parts_(std::move(parts)) {}

  // Of one instance, or of all: {"secrets": [{"instance", "parameter", "set", "kind", "keyId"…}], "keyFile", "keyIds"}.
  Answer list(const std::optional<std::string>& name) const;
  // Body {"value": text or null}: into the configuration of an instance of the API. The answer is a plan's.
  void set(const std::string& name, const std::string& parameter, std::string_view body, const Reply& reply);
  // Body {"instance", "parameter", "value"}: {"reference"} for a file.
  void encrypt(std::string_view body, const Reply& reply);
  // A new key, and every secret of the API's instances encrypted with it.
  void rotate(const Reply& reply);

 private:
  struct Rotation;
  template <class Function>
  auto guarded(Function function) const;
  const catalog::Manifest* manifestOf(const supervisor::InstanceView& view) const;
  std::optional<Failure> noSecret(const supervisor::InstanceView& view, const std::string& parameter) const;
  // Older keys that are kept for references that were printed: [{"keyId", "until"}].
  Json printedKeys() const;
  Json row(const supervisor::InstanceView& view, const std::string& place) const;
  void rewriteAll(const std::shared_ptr<Rotation>& rotation);
  void rewrite(const std::shared_ptr<Rotation>& rotation, const store::InstanceRecord& record);
  void addKey(const std::shared_ptr<Rotation>& rotation);
  void rotated(const std::shared_ptr<Rotation>& rotation);
  // `files`: the instances of files that hold another key than the newest.
  void dropKeys(const std::shared_ptr<Rotation>& rotation, std::function<void(const Json& files)> then);
  void readRecords(const std::shared_ptr<Rotation>& rotation,
                   std::function<void(std::vector<store::InstanceRecord>)> then);

  Parts parts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::admin
