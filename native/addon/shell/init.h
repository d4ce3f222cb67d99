// Each family of the shell adds its functions to the module's exports.
#pragma once
#include <napi.h>

namespace myrmex {

void InitKernels(Napi::Env env, Napi::Object exports);
void InitEndpoint(Napi::Env env, Napi::Object exports);
void InitKeys(Napi::Env env, Napi::Object exports);

}  // namespace myrmex
