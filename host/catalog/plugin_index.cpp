#include "host/catalog/plugin_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace longhaul::host::catalog {

std::string_view toText(PluginState state) {
  switch (state) {
    case PluginState::Active:
      return "active";
    case PluginState::Shadowed:
      return "shadowed";
    case PluginState::Refused:
      return "refused";
    case PluginState::Removed:
      return "removed";
  }
  return "unknown";
}

void PluginIndex::addStaged(PluginFile file, std::int64_t now_us) {
  const auto known = departed_.find(file.id);
  const PluginFile* newest = known == departed_.end() ? nullptr : find(known->second.digest);
  if (newest == nullptr || newest->version < file.version) departed_[file.id] = Departure{file.digest, now_us};
  staged_.insert_or_assign(file.digest, std::move(file));
}

void PluginIndex::refuseStaged(Refusal refusal, std::int64_t now_us) {
  bad_staged_.emplace_back(std::move(refusal), now_us);
}

void PluginIndex::admit(const std::filesystem::path& path, PluginFile file, std::int64_t arrival, std::int64_t now_us) {
  Entry& entry = entries_[path];
  entry.refusal.reset();
  entry.arrival = arrival;
  if (entry.file && entry.file->digest == file.digest) {
    // The same bytes, perhaps signed anew.
    entry.file->signer = file.signer;
    if (const auto at = staged_.find(file.digest); at != staged_.end()) at->second.signer = std::move(file.signer);
    return;
  }
  const std::optional<PluginFile> before = std::move(entry.file);
  if (before && before->id == file.id && before->version == file.version) {
    file.warnings.push_back(
        fmt::format("version {} had other bytes before ({:.12}…): give each build a version of its own",
                    toText(file.version), before->digest));
  }
  std::erase_if(bad_staged_, [&](const auto& bad) { return bad.first.path == file.path; });
  staged_.insert_or_assign(file.digest, file);
  departed_.erase(file.id);
  entry.file = std::move(file);
  entry.since_us = now_us;
  if (before && before->id != entry.file->id) depart(*before, now_us);
}

void PluginIndex::refuse(Refusal refusal, std::int64_t now_us) {
  Entry& entry = entries_[refusal.path];
  if (!entry.refusal || entry.refusal->reason != refusal.reason) entry.refused_us = now_us;
  entry.refusal = std::move(refusal);
}

void PluginIndex::remove(const std::filesystem::path& path, std::int64_t now_us) {
  const auto at = entries_.find(path);
  if (at == entries_.end()) return;
  const std::optional<PluginFile> file = std::move(at->second.file);
  entries_.erase(at);
  if (file) depart(*file, now_us);
}

std::vector<std::filesystem::path> PluginIndex::dropStaged(std::string_view id, const std::set<Digest>& needed) {
  std::set<Digest> kept = needed;
  for (const auto& [path, entry] : entries_) {
    if (entry.file) kept.insert(entry.file->digest);
  }
  std::vector<std::filesystem::path> paths;
  for (auto at = staged_.begin(); at != staged_.end();) {
    if (at->second.id != id || kept.contains(at->first)) {
      ++at;
      continue;
    }
    paths.push_back(at->second.path);
    at = staged_.erase(at);
  }
  const bool is_known =
      std::any_of(staged_.begin(), staged_.end(), [&](const auto& each) { return each.second.id == id; });
  if (!is_known) {
    // Should it come back, it is news.
    std::erase_if(announced_, [&](const auto& each) { return each.first == id; });
    std::erase_if(departed_, [&](const auto& each) { return each.first == id; });
  }
  return paths;
}

void PluginIndex::depart(const PluginFile& file, std::int64_t now_us) {
  if (winner(file.id) == nullptr) departed_[file.id] = Departure{file.digest, now_us};
}

std::vector<std::string> PluginIndex::takeChanged() {
  std::vector<std::string> changed;
  std::set<std::string> seen;
  for (const auto& [path, entry] : entries_) {
    if (!entry.file || !seen.insert(entry.file->id).second) continue;
    const PluginFile* file = active(entry.file->id);
    Digest& announced = announced_[file->id];
    if (announced == file->digest) continue;
    announced = file->digest;
    changed.push_back(file->id);
  }
  std::sort(changed.begin(), changed.end());
  return changed;
}

const PluginIndex::Entries::value_type* PluginIndex::winner(std::string_view id) const {
  const Entries::value_type* best = nullptr;
  for (const auto& entry : entries_) {
    if (!entry.second.file || entry.second.file->id != id) continue;
    if (best == nullptr) {
      best = &entry;
      continue;
    }
    const auto order = entry.second.file->version <=> best->second.file->version;
    if (order > 0 || (order == 0 && entry.second.arrival > best->second.arrival)) best = &entry;
  }
  return best;
}

const PluginFile* PluginIndex::active(std::string_view id) const {
  const auto* best = winner(id);
  return best == nullptr ? nullptr : &*best->second.file;
}

const PluginFile* PluginIndex::latest(std::string_view id) const {
  if (const PluginFile* file = active(id)) return file;
  const auto at = departed_.find(id);
  return at == departed_.end() ? nullptr : find(at->second.digest);
}

const PluginFile* PluginIndex::find(std::string_view digest) const {
  const auto at = staged_.find(digest);
  return at == staged_.end() ? nullptr : &at->second;
}

std::vector<std::string> PluginIndex::ids() const {
  std::set<std::string> ids;
  for (const auto& [digest, file] : staged_)
    ids.insert(file.id);
  return {ids.begin(), ids.end()};
}

PluginView PluginIndex::viewOf(const Entries::value_type& entry) const {
  const auto& [path, values] = entry;
  const PluginFile& file = *values.file;
  PluginView view{file.id, toText(file.version), file.digest,     path,       PluginState::Active, {},
                  {},      file.warnings,        values.since_us, file.signer};
  const auto* best = winner(file.id);
  if (best != &entry) {
    view.state = PluginState::Shadowed;
    view.code = FileReason::Shadowed;
    const PluginFile& other = *best->second.file;
    view.reason = fmt::format("shadowed by {} ({})", best->first.native(),
                              other.digest == file.digest     ? "the same file"
                              : other.version == file.version ? "the same version, and newer"
                                                              : fmt::format("version {}", toText(other.version)));
    return view;
  }
  if (values.refusal) {
    view.warnings.push_back(
        fmt::format("the file that is there now is refused; this one goes on: {}", values.refusal->reason));
  }
  for (const auto& [other_path, other] : entries_) {
    if (!other.file || other.file->id != file.id || other.file->digest == file.digest) continue;
    if (!(other.file->version == file.version)) continue;
    view.warnings.push_back(
        fmt::format("{} has the same version {} with other bytes; the newest counts: give each build "
                    "a version of its own",
                    other_path.native(), toText(file.version)));
  }
  return view;
}

std::vector<PluginView> PluginIndex::list() const {
  std::vector<PluginView> views;
  const auto refusedView = [&](const Refusal& refusal, std::int64_t since_us) {
    PluginView view;
    view.id = refusal.id;
    view.path = refusal.path;
    view.code = refusal.code;
    view.reason = refusal.reason;
    view.since_us = since_us;
    return view;
  };
  for (const auto& entry : entries_) {
    if (entry.second.file) views.push_back(viewOf(entry));
    if (!entry.second.refusal) continue;
    PluginView view = refusedView(*entry.second.refusal, entry.second.refused_us);
    if (entry.second.file && view.id.empty()) view.id = entry.second.file->id;
    views.push_back(std::move(view));
  }
  for (const auto& [refusal, since_us] : bad_staged_)
    views.push_back(refusedView(refusal, since_us));
  for (const auto& [id, departure] : departed_) {
    const PluginFile* file = find(departure.digest);
    if (file == nullptr || winner(id) != nullptr) continue;
    views.push_back(PluginView{id, toText(file->version), file->digest, file->path, PluginState::Removed,
                               FileReason::Removed,
                               "no file of this plugin is in a plugin folder; instances run on from the staged copy",
                               file->warnings, departure.at_us, file->signer});
  }
  std::sort(views.begin(), views.end(), [](const PluginView& left, const PluginView& right) {
    return std::make_tuple(left.id.empty(), std::cref(left.id), left.state, std::cref(left.path)) <
           std::make_tuple(right.id.empty(), std::cref(right.id), right.state, std::cref(right.path));
  });
  return views;
}

std::vector<std::filesystem::path> PluginIndex::refused(bool may_pass_only) const {
  std::vector<std::filesystem::path> paths;
  for (const auto& [path, entry] : entries_) {
    if (entry.refusal && (!may_pass_only || rowOf(entry.refusal->code).next == FileNext::Rescan)) paths.push_back(path);
  }
  return paths;
}

const Refusal* PluginIndex::refusal(const std::filesystem::path& path) const {
  const auto at = entries_.find(path);
  return at == entries_.end() || !at->second.refusal ? nullptr : &*at->second.refusal;
}

}  // namespace longhaul::host::catalog
