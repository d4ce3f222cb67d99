#include "init.h"

extern "C" uint32_t mx_abi_version();

namespace myrmex {

void InitKernels(Napi::Env env, Napi::Object exports) {
  exports["abiVersion"] = Napi::Number::New(env, mx_abi_version());
}

}  // namespace myrmex
