#include "host/logs/log_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "host/base/text.h"
#include "host/base/unique_fd.h"
#include "host/logs/file_names.h"
#include "host/logs/line_format.h"

namespace longhaul::host::logs {
namespace {

constexpr std::size_t kChunkBytes = kLogBufferBytes;  // longer than any line
constexpr std::size_t kHeadBytes = kLineTimeAt + kLineTimeBytes;
// Lines of one worker's threads, its pipes and the host are in order only about so far.
constexpr std::int64_t kDisorderUs = 60'000'000;

struct File {
  UniqueFd fd;
  std::uint64_t sequence = 0;
  std::uint64_t inode = 0;
  std::uint64_t id = 0;
  std::size_t size_bytes = 0;
  std::string first_time{};  // empty: no line yet
};

Result<std::string> readAt(const File& file, std::size_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::pread(file.fd.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return systemError("read a log file", errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

std::optional<File> openFile(const std::filesystem::path& path) {
  File file{.fd = UniqueFd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)}};
  struct stat status {};
  if (!file.fd || ::fstat(file.fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  file.inode = status.st_ino;
  file.size_bytes = static_cast<std::size_t>(status.st_size);
  const auto head = readAt(file, 0, kHeadBytes);
  if (head && head->size() == kHeadBytes) {
    file.first_time = head->substr(kLineTimeAt);
    std::uint64_t hash = 14695981039346656037ULL ^ file.inode;  // FNV-1a
    for (const char byte : *head)
      hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    file.id = hash == 0 ? 1 : hash;
  }
  return file;
}

// Oldest first. The newest is opened before the folder is scanned: when a rotation comes between, it is found again
// under its new name, and nothing between two files is missed.
std::vector<File> openFiles(const std::filesystem::path& folder, const std::string& instance) {
  auto newest = openFile(newestFile(folder, instance));
  std::vector<File> files;
  std::uint64_t last = 0;
  for (const std::uint64_t sequence : olderSequences(folder, instance)) {
    last = sequence;
    auto file = openFile(olderFile(folder, instance, sequence));
    if (!file) continue;  // rotated away meanwhile
    file->sequence = sequence;
    if (newest && newest->inode == file->inode) newest.reset();
    files.push_back(std::move(*file));
  }
  if (newest) {
    newest->sequence = last + 1;
    files.push_back(std::move(*newest));
  }
  return files;
}

LogCursor cursorAt(const File& file, std::size_t offset) {
  return {.sequence = file.sequence, .offset = offset, .file_id = file.id};
}

// Its time as text, by the fixed places; empty: not a line of ours (torn by a power cut).
std::string_view timeOf(std::string_view line) {
  if (line.size() < kLineLevelAt || !line.starts_with("{\"time\":\"") || line.back() != '}') return {};
  return line.substr(kLineTimeAt, kLineTimeBytes);
}

class Matcher {
 public:
  explicit Matcher(const LogQuery& query)
      : query_(query),
        since_(query.since_us ? formatTimeUs(*query.since_us) : std::string()),
        long_before_(query.since_us ? formatTimeUs(*query.since_us - kDisorderUs) : std::string()) {}

  bool matches(std::string_view line) const {
    const std::string_view time = timeOf(line);
    if (time.empty() || time < since_) return false;
    std::string_view rest = line.substr(kLineLevelAt);
    const auto level = parseLevel(takeWord(rest));
    if (!level || *level < query_.least_level) return false;
    if (!query_.source) return true;
    constexpr std::string_view kBetween = ",\"source\":\"";
    if (!rest.starts_with(kBetween)) return false;
    rest.remove_prefix(kBetween.size());
    return parseSource(takeWord(rest)) == query_.source;
  }
  // Nothing in front of this line can match any more.
  bool isLongBefore(std::string_view line) const {
    const std::string_view time = timeOf(line);
    return !long_before_.empty() && !time.empty() && time < long_before_;
  }

 private:
  static std::string_view takeWord(std::string_view& rest) {
    const std::string_view word = rest.substr(0, rest.find('"'));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return word;
  }

  const LogQuery& query_;
  std::string since_;
  std::string long_before_;
};

// The file that the cursor means. A cursor without an offset is right for any file of its number.
const File* find(const std::vector<File>& files, const LogCursor& cursor) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const File& file) {
    return file.sequence == cursor.sequence && cursor.offset <= file.size_bytes &&
           (cursor.offset == 0 || cursor.file_id == file.id);
  });
  return found == files.end() ? nullptr : &*found;
}

// One page being filled, with what it may still scan and hold.
struct Filling {
  Filling(const LogQuery& query, LogPage& filled)
      : matcher(query), lines_max(std::min(query.lines_max, kLogPageLinesMax)), page(filled) {}

  bool isFull() const {
    return page.lines.size() >= lines_max || bytes >= kLogPageBytesMax || scanned_bytes >= kLogScanBytesMax;
  }
  void take(std::string_view line) {
    scanned_bytes += line.size() + 1;
    if (!matcher.matches(line)) return;
    bytes += line.size();
    page.lines.emplace_back(line);
  }

  Matcher matcher;
  std::size_t lines_max;
  LogPage& page;
  std::size_t bytes = 0;
  std::size_t scanned_bytes = 0;
};

// Takes whole lines from `offset` on until the page is full or the file ends; leaves page.next behind the last one.
Result<void> fillForward(Filling& filling, const File& file, std::size_t offset) {
  filling.page.next = cursorAt(file, offset);
  while (offset < file.size_bytes) {
    const auto block = readAt(file, offset, std::min(kChunkBytes, file.size_bytes - offset));
    if (!block) return block.error();
    std::size_t at = 0;
    for (std::size_t end = 0; (end = block->find('\n', at)) != std::string::npos; at = end + 1) {
      if (filling.isFull()) {
        filling.page.more = true;
        return {};
      }
      filling.take(std::string_view(*block).substr(at, end - at));
      filling.page.next.offset = offset + end + 1;
    }
    if (at == 0 && block->size() < kChunkBytes) return {};  // the last line is still being written
    // No line is as long as a chunk: what has none is damage, and is stepped over.
    offset += at == 0 ? block->size() : at;
  }
  return {};
}

enum class Back { Full, Start };

// Takes whole lines backwards from `offset`; page.before is left at the first line looked at.
Result<Back> fillBackward(Filling& filling, const File& file, std::size_t offset, bool set_next) {
  std::string carry;  // the end of a line whose start lies in front of what was read
  std::size_t at = offset;
  bool cut = false;  // what follows the last '\n' is not yet cut off
  while (at > 0) {
    const std::size_t size = std::min(kChunkBytes, at);
    auto block = readAt(file, at - size, size);
    if (!block) return block.error();
    if (block->size() != size) return Error{Code::Internal, "a log file became shorter while it was read"};
    at -= size;
    block->append(carry);
    if (!cut) block->resize(block->rfind('\n') + 1);
    if (!cut && !block->empty()) {
      cut = true;
      if (set_next) filling.page.next = cursorAt(file, at + block->size());
    }
    const std::size_t break_at = block->find('\n');
    const std::size_t first = at == 0 ? 0 : break_at == std::string::npos ? block->size() : break_at + 1;
    std::size_t end = block->size();
    while (end > first) {
      if (filling.isFull()) {
        filling.page.before = cursorAt(file, at + end);
        return Back::Full;
      }
      const std::size_t previous = end < 2 ? std::string::npos : block->rfind('\n', end - 2);
      const std::size_t start = previous == std::string::npos ? 0 : previous + 1;
      const std::string_view line = std::string_view(*block).substr(start, end - 1 - start);
      if (filling.matcher.isLongBefore(line)) {
        filling.page.before = cursorAt(file, at + end);
        filling.page.more = false;
        return Back::Full;
      }
      filling.take(line);
      end = start;
    }
    carry = block->substr(0, first);
    if (carry.size() > kChunkBytes) carry.clear();  // damage: no line is so long
  }
  filling.page.before = cursorAt(file, 0);
  return Back::Start;
}

}  // namespace

std::string LogCursor::text() const {
  return fmt::format("{}-{}-{:x}", sequence, offset, file_id);
}

std::optional<LogCursor> LogCursor::parse(std::string_view text) {
  LogCursor cursor;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](std::uint64_t& value, int base, bool last) {
    const auto [next, error] = std::from_chars(at, end, value, base);
    if (error != std::errc{} || (last ? next != end : next == end || *next != '-')) return false;
    at = next + 1;
    return true;
  };
  if (!number(cursor.sequence, 10, false) || !number(cursor.offset, 10, false) || !number(cursor.file_id, 16, true)) {
    return std::nullopt;
  }
  return cursor;
}

LogReader::LogReader(std::filesystem::path folder, std::string instance)
    : folder_(std::move(folder)), instance_(std::move(instance)) {}

Result<LogPage> LogReader::last(const LogQuery& query, std::optional<LogCursor> end) const {
  LogPage page;
  const std::vector<File> files = openFiles(folder_, instance_);
  std::size_t count = files.size();
  if (end) {
    const File* file = find(files, *end);
    page.next = page.before = *end;
    page.gap = file == nullptr;
    if (page.gap) return page;
    count = static_cast<std::size_t>(file - files.data()) + 1;
  } else if (!files.empty()) {
    page.next = cursorAt(files.back(), 0);  // until a whole line is found in it
  }
  Filling filling{query, page};
  for (std::size_t i = count; i-- > 0;) {
    const bool is_last = i + 1 == count;
    // Whether it stopped for good or for the page's size is known only inside: there `more` may be taken back.
    page.more = true;
    const auto done =
        fillBackward(filling, files[i], is_last && end ? end->offset : files[i].size_bytes, is_last && !end);
    if (!done) return done.error();
    if (*done == Back::Full) break;
    page.more = false;
  }
  std::reverse(page.lines.begin(), page.lines.end());
  return page;
}

Result<LogPage> LogReader::after(const LogCursor& cursor, const LogQuery& query) const {
  LogPage page;
  page.next = cursor;
  std::vector<File> files;
  // Who follows is nearly always in the newest file: no scan of the folder then.
  if (auto newest = openFile(newestFile(folder_, instance_));
      newest && newest->id != 0 && newest->id == cursor.file_id) {
    newest->sequence = cursor.sequence;
    files.push_back(std::move(*newest));
  } else {
    files = openFiles(folder_, instance_);
  }
  const File* const found = find(files, cursor);
  page.gap = found == nullptr && cursor != LogCursor{};
  std::size_t i = found == nullptr ? 0 : static_cast<std::size_t>(found - files.data());
  std::size_t offset = found == nullptr ? 0 : cursor.offset;
  for (Filling filling{query, page}; i < files.size() && !page.more; ++i, offset = 0) {
    if (auto filled = fillForward(filling, files[i], offset); !filled) return filled.error();
  }
  return page;
}

Result<LogCursor> LogReader::placeOf(std::int64_t since_us) const {
  const std::vector<File> files = openFiles(folder_, instance_);
  const std::string since = formatTimeUs(since_us - kDisorderUs);
  const File* file = files.empty() ? nullptr : &files.front();
  for (const File& candidate : files) {
    if (!candidate.first_time.empty() && candidate.first_time < since) file = &candidate;
  }
  if (file == nullptr) return LogCursor{};
  std::size_t low = 0;  // a line's start, before `since`
  std::size_t high = file->size_bytes;
  while (high - low > kChunkBytes * 2) {
    const std::size_t middle = low + (high - low) / 2;
    const auto block = readAt(*file, middle, kChunkBytes);
    if (!block) return block.error();
    const std::size_t start = block->find('\n') + 1;
    const std::size_t end = start == 0 ? std::string::npos : block->find('\n', start);
    if (end == std::string::npos) break;  // damage: the place found so far is right, only early
    const std::string_view time = timeOf(std::string_view(*block).substr(start, end - start));
    if (time.empty()) break;
    if (time < since) {
      low = middle + start;
    } else {
      high = middle;
    }
  }
  return cursorAt(*file, low);
}

Result<LogCursor> LogReader::end() const {
  auto page = last({.lines_max = 0});
  if (!page) return page.error();
  return page->next;
}

}  // namespace longhaul::host::logs
