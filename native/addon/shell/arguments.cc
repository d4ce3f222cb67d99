#include "arguments.h"

#include <cmath>
#include <string>

namespace myrmex {

namespace {

void Refuse(Napi::Env env, const char* what, const std::string& rule) {
  ThrowCoded(env, kArgument, (std::string(what) + " " + rule).c_str());
}

}  // namespace

void ThrowCoded(Napi::Env env, const char* code, const char* message) { napi_throw_error(env, code, message); }

// A resizable buffer passes: its memory stays reserved and nothing can shrink it while this call runs. The TypeScript
// door refuses it, where looking costs nothing.
bool TakeBytes(const Napi::CallbackInfo& info, size_t index, const char* what, Bytes* bytes) {
  const Napi::Env env = info.Env();
  const napi_value value = info[index];
  napi_typedarray_type type;
  napi_value buffer;
  size_t offset;
  void* data = nullptr;
  bool is_typed_array = false;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array ||
      napi_get_typedarray_info(env, value, &type, &bytes->length, &data, &buffer, &offset) != napi_ok ||
      type != napi_uint8_array) {
    Refuse(env, what, "must be a Uint8Array");
    return false;
  }
  bool is_plain = false;
  if (napi_is_arraybuffer(env, buffer, &is_plain) != napi_ok || !is_plain) {
    Refuse(env, what, "must not lie in shared memory");
    return false;
  }
  bytes->data = static_cast<uint8_t*>(data);
  if (bytes->length > 0) return true;
  // Only an array without bytes can be one that was moved away.
  bool is_detached = false;
  if (napi_is_detached_arraybuffer(env, buffer, &is_detached) != napi_ok || is_detached) {
    Refuse(env, what, "lies in a buffer that was moved away");
    return false;
  }
  return true;
}

bool TakeExactly(const Napi::CallbackInfo& info, size_t index, size_t length, const char* what, Bytes* bytes) {
  if (!TakeBytes(info, index, what, bytes)) return false;
  if (bytes->length == length) return true;
  Refuse(info.Env(), what, "must have " + std::to_string(length) + " bytes, got " + std::to_string(bytes->length));
  return false;
}

bool TakeAtMost(const Napi::CallbackInfo& info, size_t index, size_t limit, const char* what, Bytes* bytes) {
  if (!TakeBytes(info, index, what, bytes)) return false;
  if (bytes->length <= limit) return true;
  Refuse(info.Env(), what,
         "must have at most " + std::to_string(limit) + " bytes, got " + std::to_string(bytes->length));
  return false;
}

bool TakeNumber(const Napi::CallbackInfo& info, size_t index, double limit, const char* what, size_t* number) {
  double value = 0;
  // The comparison is false for NaN.
  if (napi_get_value_double(info.Env(), info[index], &value) != napi_ok || !(value >= 0 && value <= limit) ||
      value != std::floor(value)) {
    Refuse(info.Env(), what, "must be a whole number within its limit");
    return false;
  }
  *number = static_cast<size_t>(value);
  return true;
}

bool Apart(Napi::Env env, const Bytes& output, const Bytes& other) {
  if (output.length == 0 || other.length == 0) return true;
  const auto a = reinterpret_cast<uintptr_t>(output.data);
  const auto b = reinterpret_cast<uintptr_t>(other.data);
  if (a + output.length <= b || b + other.length <= a) return true;
  ThrowCoded(env, kArgument, "output must not overlap an input");
  return false;
}

}  // namespace myrmex
