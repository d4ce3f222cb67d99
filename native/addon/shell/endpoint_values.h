// Values across the border of the endpoint: checked arguments in, buffers of events out.
#pragma once
#include <napi.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "endpoint_abi.h"

namespace myrmex::quic {

struct Bytes {
  const uint8_t* data = nullptr;
  size_t length = 0;
  // What it is a view of, and where it begins there.
  napi_value buffer = nullptr;
  size_t offset = 0;
};

inline Napi::Value Refuse(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::TypeError::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

inline Napi::Value BadArgument(Napi::Env env, const char* what) {
  return Refuse(env, "INVALID_ARGUMENT", std::string("QuicEndpoint: ") + what);
}

// The array over ordinary memory as it lies there, for the duration of the call.
inline bool ViewOf(Napi::Value value, napi_typedarray_type wanted, Bytes* out) {
  if (!value.IsTypedArray()) return false;
  napi_typedarray_type type;
  size_t length;
  void* data;
  size_t offset;
  napi_value buffer;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, &buffer, &offset) != napi_ok) return false;
  bool ordinary = false;
  bool detached = true;
  // Another thread could change shared memory while it is read.
  if (napi_is_arraybuffer(value.Env(), buffer, &ordinary) != napi_ok || !ordinary) return false;
  if (napi_is_detached_arraybuffer(value.Env(), buffer, &detached) != napi_ok || detached) return false;
  if (type != wanted || (data == nullptr && length > 0)) return false;
  *out = {static_cast<const uint8_t*>(data), length, buffer, offset};
  return true;
}

inline bool BytesOf(Napi::Value value, Bytes* out) { return ViewOf(value, napi_uint8_array, out); }

// `length` of both counts ports.
inline bool PortsOf(Napi::Value value, Bytes* out) { return ViewOf(value, napi_uint16_array, out); }

inline bool NumberOf(Napi::Value value, double low, double high, double* out) {
  if (!value.IsNumber()) return false;
  double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= low && number <= high) || number != std::floor(number)) return false;
  *out = number;
  return true;
}

inline bool Uint32Of(Napi::Value value, uint32_t* out) {
  double number;
  if (!NumberOf(value, 0, 4294967295.0, &number)) return false;
  *out = static_cast<uint32_t>(number);
  return true;
}

// A QUIC code or a size in bytes.
inline bool BigNumberOf(Napi::Value value, double* out) { return NumberOf(value, 0, 9007199254740991.0, out); }

// Below this a copy is cheaper than a finalizer.
inline constexpr size_t kQuicExternalBytes = 4096;

// A buffer of an event until JS has it.
class EventBuffer {
 public:
  explicit EventBuffer(MxQuicBuffer buffer) : buffer_(buffer) {}
  ~EventBuffer() { mx_quic_buffer_free(buffer_.data, buffer_.length, buffer_.capacity); }
  EventBuffer(const EventBuffer&) = delete;
  EventBuffer& operator=(const EventBuffer&) = delete;

  bool empty() const { return buffer_.data == nullptr; }

  napi_value ToString(napi_env env) const {
    napi_value text = nullptr;
    napi_create_string_utf8(env, reinterpret_cast<const char*>(buffer_.data), buffer_.length, &text);
    return text;
  }

  napi_value ToBytes(napi_env env) {
    napi_value memory = Memory(env);
    napi_value view = nullptr;
    if (memory != nullptr) napi_create_typedarray(env, napi_uint8_array, length_, memory, 0, &view);
    return view;
  }

 private:
  napi_value Memory(napi_env env) {
    length_ = buffer_.length;
    napi_value memory = nullptr;
    if (buffer_.length >= kQuicExternalBytes) {
      auto owner = std::make_unique<EventBuffer>(buffer_);
      void* data = buffer_.data;
      auto free = [](napi_env, void*, void* owned) { delete static_cast<EventBuffer*>(owned); };
      napi_status status =
          napi_create_external_arraybuffer(env, data, buffer_.length, free, owner.get(), &memory);
      // Whichever way it went, one of the two owners must forget the bytes.
      if (status == napi_ok) {
        buffer_ = {nullptr, 0, 0};
        owner.release();
        return memory;
      }
      owner->buffer_ = {nullptr, 0, 0};
    }
    // Small, or a runtime that allows no external memory.
    void* copy = nullptr;
    if (napi_create_arraybuffer(env, buffer_.length, &copy, &memory) != napi_ok) return nullptr;
    std::memcpy(copy, buffer_.data, buffer_.length);
    return memory;
  }

  MxQuicBuffer buffer_;
  size_t length_ = 0;
};

}  // namespace myrmex::quic
