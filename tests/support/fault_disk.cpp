#include "tests/support/fault_disk.h"

#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace longhaul::host::test {
namespace {

constexpr std::size_t kSectorBytes = 512;  // what a disk writes whole

struct Unsynced {
  std::size_t offset;
  std::string bytes;
};

struct Image {
  std::string durable;
  std::vector<Unsynced> unsynced;
};

std::string contentOf(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void overlay(std::string& content, std::size_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

}  // namespace

struct FaultDisk::State {
  sqlite3_vfs vfs{};
  sqlite3_io_methods methods{};
  sqlite3_vfs* system = nullptr;
  std::string name;

  mutable std::mutex mutex;  // guards all below
  Fault fault;
  std::map<std::string, Image> images;
  std::map<std::string, std::uint64_t> sync_counts;
  std::uint64_t operation_count = 0;
  std::uint64_t cut_at = UINT64_MAX;

  // Counts one operation; false: the power is gone.
  bool operate() { return ++operation_count < cut_at; }
};

namespace {

struct File {
  sqlite3_file base;
  FaultDisk::State* disk;
  std::string* path;  // null for files that SQLite makes up
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* own(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return own(file)->real();
}

int fileClose(sqlite3_file* file) {
  const int result = real(file)->pMethods->xClose(real(file));
  delete own(file)->path;
  return result;
}
int fileRead(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), to, count, offset);
}
int fileWrite(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  FaultDisk::State& disk = *own(file)->disk;
  const std::lock_guard lock{disk.mutex};
  if (own(file)->path == nullptr) return real(file)->pMethods->xWrite(real(file), from, count, offset);
  const std::string& path = *own(file)->path;
  if (!disk.operate()) return SQLITE_IOERR_WRITE;
  if (const int failed = disk.fault ? disk.fault(FaultDisk::Call::Write, path) : 0; failed != 0) return failed;
  disk.images[path].unsynced.push_back(
      {static_cast<std::size_t>(offset), {static_cast<const char*>(from), static_cast<std::size_t>(count)}});
  return real(file)->pMethods->xWrite(real(file), from, count, offset);
}
int fileTruncate(sqlite3_file* file, sqlite3_int64 size) {
  FaultDisk::State& disk = *own(file)->disk;
  const std::lock_guard lock{disk.mutex};
  if (own(file)->path != nullptr && !disk.operate()) return SQLITE_IOERR_TRUNCATE;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int fileSync(sqlite3_file* file, int flags) {
  FaultDisk::State& disk = *own(file)->disk;
  const std::lock_guard lock{disk.mutex};
  if (own(file)->path == nullptr) return SQLITE_OK;
  const std::string& path = *own(file)->path;
  if (!disk.operate()) return SQLITE_IOERR_FSYNC;
  if (const int failed = disk.fault ? disk.fault(FaultDisk::Call::Sync, path) : 0; failed != 0) return failed;
  const int result = real(file)->pMethods->xSync(real(file), flags);
  if (result == SQLITE_OK) {
    ++disk.sync_counts[path];
    disk.images[path] = {contentOf(path), {}};
  }
  return result;
}
int fileSize(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int fileLock(sqlite3_file* file, int lock) {
  return real(file)->pMethods->xLock(real(file), lock);
}
int fileUnlock(sqlite3_file* file, int lock) {
  return real(file)->pMethods->xUnlock(real(file), lock);
}
int fileCheckLock(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int fileControl(sqlite3_file* file, int op, void* arg) {
  return real(file)->pMethods->xFileControl(real(file), op, arg);
}
int fileSector(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
// None of the promises of a real device: every one that SQLite would use hides a sync.
int fileDevice(sqlite3_file*) {
  return 0;
}
int fileShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int fileShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void fileShmBarrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int fileShmUnmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

FaultDisk::State& diskOf(sqlite3_vfs* vfs) {
  return *static_cast<FaultDisk::State*>(vfs->pAppData);
}

int vfsOpen(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  FaultDisk::State& disk = diskOf(vfs);
  File* made = new (file) File{};
  made->disk = &disk;
  const int result = disk.system->xOpen(disk.system, path, made->real(), flags, out_flags);
  if (result != SQLITE_OK) return result;
  if (path != nullptr) {
    made->path = new std::string{path};
    const std::lock_guard lock{disk.mutex};
    // A file that was there before the disk was watched is durable as it is.
    if (!disk.images.contains(path)) disk.images[path].durable = contentOf(path);
  }
  made->base.pMethods = &disk.methods;
  return SQLITE_OK;
}
int vfsDelete(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  FaultDisk::State& disk = diskOf(vfs);
  const std::lock_guard lock{disk.mutex};
  if (!disk.operate()) return SQLITE_IOERR_DELETE;
  disk.images.erase(path);
  return disk.system->xDelete(disk.system, path, sync_folder);
}
int vfsAccess(sqlite3_vfs* vfs, const char* path, int flags, int* out) {
  return diskOf(vfs).system->xAccess(diskOf(vfs).system, path, flags, out);
}
int vfsFullPath(sqlite3_vfs* vfs, const char* path, int count, char* out) {
  return diskOf(vfs).system->xFullPathname(diskOf(vfs).system, path, count, out);
}
int vfsRandom(sqlite3_vfs* vfs, int count, char* out) {
  return diskOf(vfs).system->xRandomness(diskOf(vfs).system, count, out);
}
int vfsSleep(sqlite3_vfs* vfs, int us) {
  return diskOf(vfs).system->xSleep(diskOf(vfs).system, us);
}
int vfsTime(sqlite3_vfs* vfs, sqlite3_int64* out) {
  return diskOf(vfs).system->xCurrentTimeInt64(diskOf(vfs).system, out);
}
int vfsLastError(sqlite3_vfs*, int, char*) {
  return 0;
}

sqlite3_io_methods fileMethods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 2;
  methods.xClose = fileClose;
  methods.xRead = fileRead;
  methods.xWrite = fileWrite;
  methods.xTruncate = fileTruncate;
  methods.xSync = fileSync;
  methods.xFileSize = fileSize;
  methods.xLock = fileLock;
  methods.xUnlock = fileUnlock;
  methods.xCheckReservedLock = fileCheckLock;
  methods.xFileControl = fileControl;
  methods.xSectorSize = fileSector;
  methods.xDeviceCharacteristics = fileDevice;
  methods.xShmMap = fileShmMap;
  methods.xShmLock = fileShmLock;
  methods.xShmBarrier = fileShmBarrier;
  methods.xShmUnmap = fileShmUnmap;
  return methods;
}

}  // namespace

FaultDisk::FaultDisk() : state_(std::make_unique<State>()) {
  static std::uint64_t made = 0;
  state_->name = "fault-disk-" + std::to_string(++made);
  state_->system = sqlite3_vfs_find(nullptr);
  state_->methods = fileMethods();
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->system->szOsFile;
  vfs.mxPathname = state_->system->mxPathname;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = vfsOpen;
  vfs.xDelete = vfsDelete;
  vfs.xAccess = vfsAccess;
  vfs.xFullPathname = vfsFullPath;
  vfs.xRandomness = vfsRandom;
  vfs.xSleep = vfsSleep;
  vfs.xGetLastError = vfsLastError;
  vfs.xCurrentTimeInt64 = vfsTime;
  sqlite3_vfs_register(&vfs, 0);
}

FaultDisk::~FaultDisk() {
  sqlite3_vfs_unregister(&state_->vfs);
}

const std::string& FaultDisk::vfs() const {
  return state_->name;
}

void FaultDisk::setFault(Fault fault) {
  const std::lock_guard lock{state_->mutex};
  state_->fault = std::move(fault);
}

std::uint64_t FaultDisk::syncs(std::string_view suffix) const {
  const std::lock_guard lock{state_->mutex};
  std::uint64_t count = 0;
  for (const auto& [path, syncs] : state_->sync_counts) {
    if (std::string_view{path}.ends_with(suffix)) count += syncs;
  }
  return count;
}

std::uint64_t FaultDisk::operations() const {
  const std::lock_guard lock{state_->mutex};
  return state_->operation_count;
}

void FaultDisk::cutPowerAt(std::uint64_t number) {
  const std::lock_guard lock{state_->mutex};
  state_->cut_at = number;
}

bool FaultDisk::powerIsCut() const {
  const std::lock_guard lock{state_->mutex};
  return state_->operation_count >= state_->cut_at;
}

void FaultDisk::restorePower(std::mt19937_64& random) {
  const std::lock_guard lock{state_->mutex};
  for (auto& [path, image] : state_->images) {
    std::string content = image.durable;
    for (const auto& write : image.unsynced) {
      for (std::size_t at = 0; at < write.bytes.size(); at += kSectorBytes) {
        if (random() % 2 == 0) continue;
        overlay(content, write.offset + at, std::string_view{write.bytes}.substr(at, kSectorBytes));
      }
    }
    std::ofstream{path, std::ios::binary | std::ios::trunc}.write(content.data(),
                                                                  static_cast<std::streamsize>(content.size()));
    std::filesystem::remove(path.ends_with("-wal") ? path.substr(0, path.size() - 4) + "-shm" : path + "-shm");
  }
  state_->images.clear();
  state_->cut_at = UINT64_MAX;
  state_->operation_count = 0;
}

}  // namespace longhaul::host::test
