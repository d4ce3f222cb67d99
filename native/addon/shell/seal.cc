// Seal and open of one self-encryption chunk.
#include <algorithm>

#include "abi.h"
#include "arguments.h"
#include "kernels.h"

namespace myrmex {

namespace {

constexpr size_t kInputBytes = 112;
constexpr size_t kHashBytes = 32;
constexpr size_t kPlainMaxBytes = size_t{1} << 24;
constexpr size_t kContentMaxBytes = kPlainMaxBytes + (size_t{1} << 16);

// sealChunk(plain, input, address): content. Writes the 32 bytes of the address.
Napi::Value Seal(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Bytes plain, input, address;
  if (!TakeAtMost(info, 0, kPlainMaxBytes, "plain chunk", &plain) ||
      !TakeExactly(info, 1, kInputBytes, "seal input", &input) ||
      !TakeExactly(info, 2, kHashBytes, "address", &address) || !Apart(env, address, plain) ||
      !Apart(env, address, input))
    return env.Undefined();
  MxBuffer sealed = {nullptr, 0, 0};
  if (mx_seal(plain.data, plain.length, input.data, address.data, &sealed) != 0) {
    ThrowCoded(env, kArgument, "seal kernel failed");
    return env.Undefined();
  }
  // A copy, not an external buffer: that one could not be transferred to another thread. The memory comes by way of a
  // Buffer: that of napi_create_arraybuffer is filled with zeros first.
  void* data = nullptr;
  size_t offset = 0;
  napi_value whole;
  napi_value buffer;
  napi_value content;
  const bool made = napi_create_buffer(env, sealed.length, &data, &whole) == napi_ok &&
                    napi_get_typedarray_info(env, whole, nullptr, nullptr, nullptr, &buffer, &offset) == napi_ok &&
                    napi_create_typedarray(env, napi_uint8_array, sealed.length, buffer, offset, &content) == napi_ok;
  if (made) std::copy(sealed.data, sealed.data + sealed.length, static_cast<uint8_t*>(data));
  mx_buffer_free(&sealed);
  if (made) return Napi::Value(env, content);
  ThrowCoded(env, kArgument, "no memory for the encrypted chunk");
  return env.Undefined();
}

const char* CodeOf(int32_t status) {
  switch (status) {
    case -2:
      return "CRYPTO_OPEN_AUTHENTICATION";
    case -3:
      return "CRYPTO_OPEN_SIZE";
    case -4:
      return "CRYPTO_OPEN_HASH";
    case -5:
      return "CRYPTO_OPEN_COMPRESSION";
    default:
      return kArgument;
  }
}

// openChunkInto(content, input, plain); the length of `plain` is the declared size.
void OpenInto(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Bytes content, input, plain;
  if (!TakeAtMost(info, 0, kContentMaxBytes, "encrypted chunk", &content) ||
      !TakeExactly(info, 1, kInputBytes, "seal input", &input) ||
      !TakeAtMost(info, 2, kPlainMaxBytes, "plain chunk", &plain) || !Apart(env, plain, content) ||
      !Apart(env, plain, input))
    return;
  const int32_t status = mx_open(content.data, content.length, input.data, plain.data, plain.length);
  if (status != 0) ThrowCoded(env, CodeOf(status), "chunk does not open");
}

}  // namespace

void InitSeal(Napi::Env env, Napi::Object exports) {
  exports["sealChunk"] = Napi::Function::New<Seal>(env, "sealChunk");
  exports["openChunkInto"] = Napi::Function::New<OpenInto>(env, "openChunkInto");
}

}  // namespace myrmex
