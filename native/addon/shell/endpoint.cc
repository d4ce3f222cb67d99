#include "init.h"

namespace myrmex {

void InitEndpoint(Napi::Env, Napi::Object) {}

}  // namespace myrmex
