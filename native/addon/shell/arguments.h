// Argument checks of the kernels. Whoever calls, with whatever: the answer is a JS error with a code, never a crash.
// A pointer taken here is good until control returns to JS; nothing in between may run JS.
#pragma once
#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace myrmex {

struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

// Each returns false with a JS exception pending (code CRYPTO_ARGUMENT) when the argument does not fit.
bool TakeBytes(const Napi::CallbackInfo& info, size_t index, const char* what, Bytes* bytes);
bool TakeExactly(const Napi::CallbackInfo& info, size_t index, size_t length, const char* what, Bytes* bytes);
bool TakeAtMost(const Napi::CallbackInfo& info, size_t index, size_t limit, const char* what, Bytes* bytes);
bool TakeNumber(const Napi::CallbackInfo& info, size_t index, double limit, const char* what, size_t* number);

// No output may lie over an input or another output: the core takes them as separate memory.
bool Apart(Napi::Env env, const Bytes& output, const Bytes& other);

void ThrowCoded(Napi::Env env, const char* code, const char* message);

constexpr const char* kArgument = "CRYPTO_ARGUMENT";

}  // namespace myrmex
