#include "init.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace myrmex {

// Chunks and messages of 4 MiB come and go on many threads. glibc raises its limit for memory mapped on its own to the
// largest block ever freed, and keeps twice that in the heap of each thread: two sealing threads then hold 195 MiB
// instead of 153. With fixed limits whole messages are given back when they are freed, and a heap keeps little more than
// one chunk. Lower limits hold less still, but pay fresh pages for every chunk: from 512 KiB on opening takes three
// times as long.
static void KeepHeapsSmall() {
#if defined(__GLIBC__)
  constexpr int kMappedFromBytes = 4 << 20;
  constexpr int kHeapKeepsBytes = 8 << 20;
  static const bool done =
      mallopt(M_MMAP_THRESHOLD, kMappedFromBytes) == 1 && mallopt(M_TRIM_THRESHOLD, kHeapKeepsBytes) == 1;
  static_cast<void>(done);
#endif
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  KeepHeapsSmall();
  InitKernels(env, exports);
  InitEndpoint(env, exports);
  return exports;
}

}  // namespace myrmex

extern "C" napi_value myrmex_init(napi_env env, napi_value exports) {
  return Napi::RegisterModule(env, exports, myrmex::Init);
}
