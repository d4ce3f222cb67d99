#include "kernels.h"

#include "abi.h"
#include "init.h"

namespace myrmex {

#if defined(__SANITIZE_ADDRESS__)
// Reads one byte past a heap block: scripts/sanitize.mjs must see the report, or its silence would mean nothing.
static Napi::Value SanitizerProbe(const Napi::CallbackInfo& info) {
  const size_t length = info.Length() + 4;
  volatile uint8_t* block = new uint8_t[length];
  const uint8_t beyond = block[length];
  delete[] block;
  return Napi::Number::New(info.Env(), beyond);
}
#endif

void InitKernels(Napi::Env env, Napi::Object exports) {
  exports["abiVersion"] = Napi::Number::New(env, mx_abi_version());
  InitBlake3(env, exports);
  InitMlDsa(env, exports);
  InitSeal(env, exports);
  InitBlocks(env, exports);
  InitOffThread(env, exports);
#if defined(__SANITIZE_ADDRESS__)
  exports["sanitizerProbe"] = Napi::Function::New<SanitizerProbe>(env, "sanitizerProbe");
#endif
}

}  // namespace myrmex
