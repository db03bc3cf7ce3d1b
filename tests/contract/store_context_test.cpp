#include "host/base/limits.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;

namespace {

CommitWrite contextWrite(InstanceId id, ContextWrite write) {
  CommitWrite commit = commitOf(id);
  commit.context = std::move(write);
  return commit;
}

}  // namespace

LONGHAUL_STORE_CASE("replacing the context is whole, and its version grows by one") {
  const InstanceId id = subject.instance("edge");
  const ContextMap first{{"a", "1"}, {"b", R"("x")"}, {"c", "[1,2]"}};
  auto done = subject.must<Committed>(contextWrite(id, ReplaceContext{first, {}}));
  REQUIRE(done.context.has_value());
  CHECK(done.context->version == 1);
  CHECK(done.context->whole);
  CHECK(done.context->changes.size() == 3);
  CHECK(done.context_version == 1);
  CHECK(subject.reader().context(id)->values == first);

  const ContextMap second{{"b", R"("x")"}, {"c", "[1,2,3]"}, {"d", "null"}};
  done = subject.must<Committed>(contextWrite(id, ReplaceContext{second, {}}));
  CHECK(done.context->changes.at("b") == R"("x")");
  subject.reopen();
  const auto context = subject.reader().context(id);
  REQUIRE(context.has_value());
  CHECK(context->values == second);
  CHECK(context->version == 2);
  CHECK(context->quarantined_keys.empty());
  CHECK(subject.reader().instances()->at(0).context_version == 2);
}

LONGHAUL_STORE_CASE("a versioned replace lands only on the version it names") {
  const InstanceId id = subject.instance("edge");
  subject.must<Committed>(contextWrite(id, ReplaceContext{{{"a", "1"}}, 0}));
  const auto stale = subject.write(contextWrite(id, ReplaceContext{{{"a", "2"}}, 0}));
  REQUIRE_FALSE(stale.has_value());
  CHECK(stale.error().code == Code::Conflict);
  CHECK_THAT(stale.error().message, Catch::Contains("version 1, not 0"));
  CHECK(subject.reader().context(id)->values.at("a") == "1");
  // Of two in one batch, one wins.
  const std::vector<Write> race{contextWrite(id, ReplaceContext{{{"a", "3"}}, 1}),
                                contextWrite(id, ReplaceContext{{{"a", "4"}}, 1})};
  const auto results = subject.store().apply(race);
  CHECK(results[0].has_value());
  CHECK_FALSE(results[1].has_value());
  CHECK(subject.reader().context(id)->values.at("a") == "3");
  CHECK(subject.reader().context(id)->version == 2);
}

LONGHAUL_STORE_CASE("a patch sets and removes keys and touches no other") {
  const InstanceId id = subject.instance("edge");
  subject.must<Committed>(contextWrite(id, ReplaceContext{{{"a", "1"}, {"b", "2"}, {"c", "3"}}, {}}));
  const std::map<std::string, std::optional<std::string>> changes{
      {"a", "10"}, {"b", std::nullopt}, {"no", std::nullopt}, {"z", "9"}};
  const auto done = subject.must<Committed>(contextWrite(id, PatchContext{changes}));
  CHECK(done.context->version == 2);
  CHECK_FALSE(done.context->whole);
  CHECK(done.context->changes == changes);
  CHECK(subject.reader().context(id)->values == ContextMap{{"a", "10"}, {"c", "3"}, {"z", "9"}});
}

LONGHAUL_STORE_CASE("a version that a failed write would have had goes to the next one that succeeds") {
  const InstanceId id = subject.instance("edge");
  CommitWrite bad = contextWrite(id, PatchContext{{{"a", "1"}}});
  bad.entries = {{IncidentId{9}, "edge", "text", "e"}};
  const std::vector<Write> batch{bad, contextWrite(id, PatchContext{{{"a", "2"}}}), bad};
  const auto results = subject.store().apply(batch);
  CHECK(std::get<Committed>(*results[1]).context_version == 1);
  CHECK(subject.reader().context(id)->version == 1);
  CHECK(subject.reader().context(id)->values.at("a") == "2");
}

LONGHAUL_STORE_CASE("a merge changes its key alone and returns the new text") {
  const InstanceId id = subject.instance("edge");
  subject.must<Committed>(contextWrite(id, PatchContext{{{"l", R"([{"id":1,"a":1},{"id":2}])"}, {"o", "1"}}}));
  const auto done = subject.must<Committed>(
      contextWrite(id, MergeContext{"l", R"([{"id":1,"b":2},{"id":2,"remove":true},{"id":3}])", "id"}));
  const std::string merged = R"([{"id":1,"a":1,"b":2},{"id":3}])";
  CHECK(done.context->changes == std::map<std::string, std::optional<std::string>>{{"l", merged}});
  CHECK(subject.reader().context(id)->values == ContextMap{{"l", merged}, {"o", "1"}});
  CHECK(subject.must<Committed>(contextWrite(id, MergeContext{"new", R"([{"id":5}])", "id"})).context_version == 3);
  CHECK(subject.reader().context(id)->values.at("new") == R"([{"id":5}])");
}

LONGHAUL_STORE_CASE("the context's limits hold to the byte, and the last good value stays") {
  const InstanceId id = subject.instance("edge");
  const std::string full(kContextValueBytesMax, '1');
  subject.must<Committed>(contextWrite(id, PatchContext{{{"a", full}}}));
  auto refused = subject.write(contextWrite(id, PatchContext{{{"a", full + "1"}}}));
  CHECK(refused.error().code == Code::TooLarge);
  CHECK_THAT(refused.error().message, Catch::Contains("1048577") && Catch::Contains("1048576"));
  CHECK(
      subject.write(contextWrite(id, PatchContext{{{std::string(kContextKeyBytesMax + 1, 'k'), "1"}}})).error().code ==
      Code::TooLarge);
  subject.must<Committed>(contextWrite(id, PatchContext{{{std::string(kContextKeyBytesMax, 'k'), "1"}}}));
  subject.must<Committed>(contextWrite(id, PatchContext{{{std::string(kContextKeyBytesMax, 'k'), std::nullopt}}}));
  // 3 × (1 MiB + 1) + 1 + v = 4 MiB leaves v = 1 MiB − 4.
  subject.must<Committed>(contextWrite(id, PatchContext{{{"b", full}, {"c", full}}}));
  const std::string rest(kContextValueBytesMax - 4, '2');
  CHECK(subject.write(contextWrite(id, PatchContext{{{"d", rest + "2"}}})).error().code == Code::TooLarge);
  subject.must<Committed>(contextWrite(id, PatchContext{{{"d", rest}}}));
  CHECK(subject.write(contextWrite(id, PatchContext{{{"e", "1"}}})).error().code == Code::TooLarge);
  CHECK(subject.write(contextWrite(id, ReplaceContext{{{"a", full}, {"b", full}, {"c", full}, {"d", rest + "2"}}, {}}))
            .error()
            .code == Code::TooLarge);
  subject.reopen();
  CHECK(subject.reader().context(id)->values.at("a") == full);
  // A limit that is lower than what is there lets it shrink, and not grow.
  CommitWrite low = contextWrite(id, PatchContext{{{"d", "1"}}});
  low.context_bytes_max = 1000;
  CHECK(subject.write(low).has_value());
  low.context = PatchContext{{{"d", "11"}}};
  CHECK(subject.write(low).error().code == Code::TooLarge);
  low.context_bytes_max = 8U << 20;
  low.context = PatchContext{{{"d", full}, {"e", full}}};
  CHECK(subject.write(low).has_value());
}

LONGHAUL_STORE_CASE("the number of keys has a limit") {
  const InstanceId id = subject.instance("edge");
  ContextMap many;
  for (std::size_t i = 0; i < kContextKeysMax; ++i)
    many["k" + std::to_string(i)] = "1";
  subject.must<Committed>(contextWrite(id, ReplaceContext{many, {}}));
  CHECK(subject.write(contextWrite(id, PatchContext{{{"one-more", "1"}}})).error().code == Code::TooLarge);
  subject.must<Committed>(contextWrite(id, PatchContext{{{"one-more", "1"}, {"k0", std::nullopt}}}));
  many["one-more"] = "1";
  CHECK(subject.write(contextWrite(id, ReplaceContext{many, {}})).error().code == Code::TooLarge);
}

LONGHAUL_STORE_CASE("a flipped bit in a stored value is quarantined and never returned") {
  const InstanceId id = subject.instance("edge");
  const std::string value = R"("a value that stands once in the file 4711")";
  subject.must<Committed>(contextWrite(id, PatchContext{{{"bad", value}, {"good", "1"}}}));
  subject.damageContext(id, "bad", value);
  auto context = subject.reader().context(id);
  REQUIRE(context.has_value());
  CHECK(context->values == ContextMap{{"good", "1"}});
  CHECK(context->quarantined_keys == std::vector<std::string>{"bad"});
  // Neither does a new worker get it, nor a merge build on it.
  const auto fenced = subject.must<Fenced>(Fence{id, {"d2", 1, "{}"}, 0, {}, 5});
  CHECK(fenced.context.values == ContextMap{{"good", "1"}});
  CHECK(fenced.context.quarantined_keys == std::vector<std::string>{"bad"});
  const auto kept = subject.reader().contextSnapshots(id);
  CHECK(subject.reader().contextSnapshot(id, kept->at(0).id)->values == ContextMap{{"good", "1"}});
  CommitWrite merge = contextWrite(id, MergeContext{"bad", R"([{"id":1}])", "id"});
  merge.generation = Generation{2};
  const auto refused = subject.write(merge);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Internal);
  CHECK_THAT(refused.error().message, Catch::Contains("\"bad\" failed its checksum"));
  // A new value heals the key.
  CommitWrite patch = contextWrite(id, PatchContext{{{"bad", "2"}}});
  patch.generation = Generation{2};
  subject.must<Committed>(patch);
  context = subject.reader().context(id);
  CHECK(context->values == ContextMap{{"bad", "2"}, {"good", "1"}});
  CHECK(context->quarantined_keys.empty());
}

LONGHAUL_STORE_CASE("replacing a context with a quarantined row leaves a sound one") {
  const InstanceId id = subject.instance("edge");
  const std::string value = R"("a value that stands once in the file 4712")";
  subject.must<Committed>(contextWrite(id, PatchContext{{{"bad", value}, {"good", "1"}}}));
  subject.damageContext(id, "bad", value);
  const ContextMap whole{{"good", "1"}, {"new", "2"}};
  subject.must<Committed>(contextWrite(id, ReplaceContext{whole, {}}));
  const auto context = subject.reader().context(id);
  CHECK(context->values == whole);
  CHECK(context->quarantined_keys.empty());
}
