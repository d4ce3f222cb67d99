#include "init.h"

namespace myrmex {

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  InitKernels(env, exports);
  InitEndpoint(env, exports);
  return exports;
}

}  // namespace myrmex

extern "C" napi_value myrmex_init(napi_env env, napi_value exports) {
  return Napi::RegisterModule(env, exports, myrmex::Init);
}
