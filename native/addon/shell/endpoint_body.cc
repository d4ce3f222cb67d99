#include "endpoint_body.h"

#include "endpoint_values.h"

namespace myrmex::quic {

namespace {

constexpr double kMaxBytes = 1 << 26;
// Random, so that nobody else's wrap is taken for ours.
constexpr napi_type_tag kBodyTag = {0x6d79726d65782d62ULL, 0x9f2c41d7a85e03b6ULL};

void Free(napi_env, void*, void* body) { mx_quic_body_free(static_cast<const MxQuicBody*>(body)); }

}  // namespace

Napi::Value AllocateMessage(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  double length;
  if (!NumberOf(info[0], 1, kMaxBytes, &length)) return BadArgument(env, "allocateMessage takes a number of bytes");
  const auto size = static_cast<size_t>(length);
  const MxQuicBody* body = mx_quic_body_new(size);
  if (body == nullptr) return Refuse(env, "FAILED", "QuicEndpoint: no memory for a message");
  auto* owned = const_cast<MxQuicBody*>(body);
  napi_value buffer, view;
  if (napi_create_external_arraybuffer(env, mx_quic_body_data(body), size, &Free, owned, &buffer) != napi_ok) {
    mx_quic_body_free(body);
    return Napi::Uint8Array::New(env, size);
  }
  // Without the tag it is memory like any other, and sends copy it. The wrap owns nothing: the buffer does.
  if (napi_type_tag_object(env, buffer, &kBodyTag) == napi_ok) {
    napi_wrap(env, buffer, owned, nullptr, nullptr, nullptr);
  }
  if (napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &view) != napi_ok) return env.Undefined();
  return Napi::Value(env, view);
}

const MxQuicBody* BodyOf(napi_env env, napi_value buffer) {
  bool ours = false;
  void* body = nullptr;
  if (napi_check_object_type_tag(env, buffer, &kBodyTag, &ours) != napi_ok || !ours) return nullptr;
  return napi_unwrap(env, buffer, &body) == napi_ok ? static_cast<const MxQuicBody*>(body) : nullptr;
}

}  // namespace myrmex::quic
