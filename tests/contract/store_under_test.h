// What the cases of the store's contract run on: SQLite in a folder of its own, or the fake. Test thread.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/store/store.h"

namespace longhaul::host::test {

class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual store::Store& store() = 0;
  virtual store::StoreReader& reader() = 0;
  // Closes and opens again, as a restart of the host does. The fake keeps its maps.
  virtual void reopen() = 0;
  // Flips one bit of the stored value, behind the store's back. `value` is what was stored, and occurs nowhere else.
  virtual void damageContext(InstanceId instance, const std::string& key, const std::string& value) = 0;

  // One write alone in its batch.
  store::WriteResult write(store::Write write);
  // The same, where it must succeed.
  template <class Value>
  Value must(store::Write write_) {
    auto result = write(std::move(write_));
    if (!result) FAIL(result.error().message);
    return std::get<Value>(*std::move(result));
  }
  // A new instance with generation 1.
  InstanceId instance(const std::string& name);
};

// `kind`: "sqlite" or "memory".
std::unique_ptr<StoreUnderTest> makeStore(const std::string& kind);

// A write of the instance's first generation.
store::CommitWrite commitOf(InstanceId instance);
store::NewIncident incidentNamed(const std::string& name);

}  // namespace longhaul::host::test

// A case of the contract: runs its body on each store, which it sees as `subject`.
#define LONGHAUL_STORE_CASE(name) LONGHAUL_STORE_CASE_(name, INTERNAL_CATCH_UNIQUE_NAME(storeCase))
#define LONGHAUL_STORE_CASE_(name, function)                           \
  static void function(longhaul::host::test::StoreUnderTest& subject); \
  TEST_CASE("sqlite: " name) {                                         \
    function(*longhaul::host::test::makeStore("sqlite"));              \
  }                                                                    \
  TEST_CASE("memory: " name) {                                         \
    function(*longhaul::host::test::makeStore("memory"));              \
  }                                                                    \
  static void function([[maybe_unused]] longhaul::host::test::StoreUnderTest& subject)
