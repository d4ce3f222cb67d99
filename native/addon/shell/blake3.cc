// BLAKE3. Results are written into memory that the caller allocates: JS makes small arrays faster than this side can.
#include <algorithm>

#include "abi.h"
#include "arguments.h"
#include "kernels.h"

namespace myrmex {

namespace {

constexpr size_t kHashBytes = 32;
constexpr double kModeMax = 2;
// Size of blake3::Hasher, about.
constexpr int64_t kStateBytes = 2048;
constexpr double kOffsetMax = 9007199254740991.0;
constexpr const char* kFailed = "BLAKE3 kernel failed";

// blake3Into(data, out, offset)
void HashInto(const Napi::CallbackInfo& info) {
  Bytes data, out;
  size_t offset = 0;
  if (!TakeBytes(info, 0, "data", &data) || !TakeBytes(info, 1, "output", &out) ||
      !TakeNumber(info, 2, kOffsetMax, "output offset", &offset))
    return;
  if (offset > out.length || out.length - offset < kHashBytes)
    return ThrowCoded(info.Env(), kArgument, "output has no room for 32 bytes at the offset");
  // The input is read to its end before a byte is written, but Rust wants it apart all the same.
  uint8_t hash[kHashBytes];
  if (mx_blake3(data.data, data.length, hash) != 0) return ThrowCoded(info.Env(), kArgument, kFailed);
  std::copy(hash, hash + kHashBytes, out.data + offset);
}

// blake3ModeInto(mode, key, data, out): mode 0 plain, 1 keyed, 2 derive-key with the context as UTF-8 bytes.
void ModeInto(const Napi::CallbackInfo& info) {
  size_t mode = 0;
  Bytes key, data, out;
  if (!TakeNumber(info, 0, kModeMax, "mode", &mode) || !TakeBytes(info, 1, "key", &key) ||
      !TakeBytes(info, 2, "data", &data) || !TakeBytes(info, 3, "output", &out) || !Apart(info.Env(), out, key) ||
      !Apart(info.Env(), out, data))
    return;
  if (mx_blake3_mode(static_cast<uint32_t>(mode), key.data, key.length, data.data, data.length, out.data,
                     out.length) != 0)
    ThrowCoded(info.Env(), kArgument, "key does not fit the mode");
}

// Incremental hasher: new Hasher(mode, key), modes as above.
class Hasher : public Napi::ObjectWrap<Hasher> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Hasher",
                       {InstanceMethod<&Hasher::Update>("update"), InstanceMethod<&Hasher::DigestInto>("digestInto")});
  }

  explicit Hasher(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Hasher>(info) {
    size_t mode = 0;
    Bytes key;
    if (!TakeNumber(info, 0, kModeMax, "mode", &mode) || !TakeBytes(info, 1, "key", &key)) return;
    state_ = mx_hasher_new(static_cast<uint32_t>(mode), key.data, key.length);
    if (state_ == nullptr) {
      ThrowCoded(info.Env(), kArgument, "key does not fit the mode");
      return;
    }
    // The garbage collector does not see the state: told of it, it collects abandoned hashers in time.
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), kStateBytes);
  }

  ~Hasher() override {
    if (state_ == nullptr) return;
    mx_hasher_free(state_);
    Napi::MemoryManagement::AdjustExternalMemory(Env(), -kStateBytes);
  }

 private:
  // update(data)
  void Update(const Napi::CallbackInfo& info) {
    Bytes data;
    if (!TakeBytes(info, 0, "data", &data)) return;
    if (mx_hasher_update(state_, data.data, data.length) != 0) ThrowCoded(info.Env(), kArgument, kFailed);
  }

  // digestInto(out)
  void DigestInto(const Napi::CallbackInfo& info) {
    Bytes out;
    if (!TakeBytes(info, 0, "output", &out)) return;
    if (mx_hasher_digest(state_, 0, out.data, out.length) != 0) ThrowCoded(info.Env(), kArgument, kFailed);
  }

  MxHasher* state_ = nullptr;
};

}  // namespace

void InitBlake3(Napi::Env env, Napi::Object exports) {
  exports["blake3Into"] = Napi::Function::New<HashInto>(env, "blake3Into");
  exports["blake3ModeInto"] = Napi::Function::New<ModeInto>(env, "blake3ModeInto");
  exports["Hasher"] = Hasher::Define(env);
}

}  // namespace myrmex
