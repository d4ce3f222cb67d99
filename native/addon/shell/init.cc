#include "init.h"

#if defined(__GLIBC__)
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#endif

namespace myrmex {

#if defined(__GLIBC__)
static bool IsGiven(const char* variable, const char* tunable) {
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  return std::getenv(variable) != nullptr || (tunables != nullptr && std::strstr(tunables, tunable) != nullptr);
}
#endif

// Chunks and messages of 4 MiB come and go on many threads. glibc raises its limit for memory mapped on its own to the
// largest block ever freed, and keeps twice that in the heap of each thread: two sealing threads then hold 195 MiB
// instead of 153. With fixed limits whole messages are given back when they are freed, and a heap keeps little more than
// one chunk. Lower limits hold less still, but pay fresh pages for every chunk: from 512 KiB on opening takes three
// times as long. Two arenas instead of eight a core: each keeps what its threads have freed. What the operator or the
// profile (src/machine) set for the process stays.
static void KeepHeapsSmall() {
#if defined(__GLIBC__)
  static const bool done = [] {
    if (!IsGiven("MALLOC_MMAP_THRESHOLD_", "glibc.malloc.mmap_threshold")) mallopt(M_MMAP_THRESHOLD, 4 << 20);
    if (!IsGiven("MALLOC_TRIM_THRESHOLD_", "glibc.malloc.trim_threshold")) mallopt(M_TRIM_THRESHOLD, 8 << 20);
    if (!IsGiven("MALLOC_ARENA_MAX", "glibc.malloc.arena_max")) mallopt(M_ARENA_MAX, 2);
    return true;
  }();
  static_cast<void>(done);
#endif
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  KeepHeapsSmall();
  InitKernels(env, exports);
  InitEndpoint(env, exports);
  InitKeys(env, exports);
  return exports;
}

}  // namespace myrmex

extern "C" napi_value myrmex_init(napi_env env, napi_value exports) {
  return Napi::RegisterModule(env, exports, myrmex::Init);
}
