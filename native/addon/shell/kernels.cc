#include "kernels.h"

#include "abi.h"
#include "init.h"

namespace myrmex {

void InitKernels(Napi::Env env, Napi::Object exports) {
  exports["abiVersion"] = Napi::Number::New(env, mx_abi_version());
  InitBlake3(env, exports);
  InitMlDsa(env, exports);
  InitSeal(env, exports);
}

}  // namespace myrmex
