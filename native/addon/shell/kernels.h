#pragma once
#include <napi.h>

namespace myrmex {

void InitBlake3(Napi::Env env, Napi::Object exports);
void InitMlDsa(Napi::Env env, Napi::Object exports);
void InitSeal(Napi::Env env, Napi::Object exports);
void InitBlocks(Napi::Env env, Napi::Object exports);
void InitOffThread(Napi::Env env, Napi::Object exports);

}  // namespace myrmex
