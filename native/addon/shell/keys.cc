// A set of keys on disk (native/keys). Looks are short and run here; changes wait for the disk on Node's own threads.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "init.h"

extern "C" {
struct MxKeySet;
int32_t mx_keys_open(const uint8_t* path, size_t length, size_t map_bytes, MxKeySet** out);
void mx_keys_close(MxKeySet* set);
int32_t mx_keys_has(const MxKeySet* set, const uint8_t* key, bool* found);
int32_t mx_keys_count(const MxKeySet* set, uint64_t* count);
int32_t mx_keys_insert(const MxKeySet* set, const uint8_t* keys, size_t count, uint8_t* changed);
int32_t mx_keys_remove(const MxKeySet* set, const uint8_t* keys, size_t count, uint8_t* changed);
int32_t mx_keys_page(const MxKeySet* set, const uint8_t* after, size_t limit, uint8_t* out, size_t* found);
}

namespace myrmex {

namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kBatchMaxBytes = size_t{1} << 20;
constexpr size_t kPageMax = 65'536;
constexpr double kMapMaxBytes = 1099511627776.0;
constexpr int32_t kClosed = -5;

using Set = std::shared_ptr<MxKeySet>;
using Change = int32_t (*)(const MxKeySet*, const uint8_t*, size_t, uint8_t*);

// An error with the status as its number: the TypeScript side knows the words.
Napi::Error StatusError(Napi::Env env, int32_t status) {
  Napi::Error error = Napi::Error::New(env, "key set status " + std::to_string(status));
  error.Set("status", Napi::Number::New(env, status));
  return error;
}

// One change: deletes itself when the promise is settled. Keeps the set open meanwhile.
class ChangeJob : public Napi::AsyncWorker {
 public:
  ChangeJob(Napi::Env env, Set set, Change change, const Bytes& keys)
      : Napi::AsyncWorker(env),
        set_(std::move(set)),
        change_(change),
        keys_(keys.data, keys.data + keys.length),
        changed_(keys.length / kKeyBytes),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Value Begin() {
    Napi::Promise promise = deferred_.Promise();
    Queue();
    return promise;
  }

  void Execute() override { status_ = change_(set_.get(), keys_.data(), changed_.size(), changed_.data()); }

  void OnOK() override {
    Napi::Env env = Env();
    if (status_ != 0) return deferred_.Reject(StatusError(env, status_).Value());
    auto array = Napi::Uint8Array::New(env, changed_.size());
    if (env.IsExceptionPending()) return deferred_.Reject(env.GetAndClearPendingException().Value());
    std::copy(changed_.begin(), changed_.end(), array.Data());
    deferred_.Resolve(array);
  }

 private:
  Set set_;
  Change change_;
  std::vector<uint8_t> keys_;
  std::vector<uint8_t> changed_;
  Napi::Promise::Deferred deferred_;
  int32_t status_ = kClosed;
};

class KeySet : public Napi::ObjectWrap<KeySet> {
 public:
  static void Init(Napi::Env env, Napi::Object exports) {
    exports["KeySet"] = DefineClass(env, "KeySet",
                                    {
                                        InstanceMethod<&KeySet::Has>("has"),
                                        InstanceMethod<&KeySet::Count>("count"),
                                        InstanceMethod<&KeySet::Page>("page"),
                                        InstanceMethod<&KeySet::Insert>("insert"),
                                        InstanceMethod<&KeySet::Remove>("remove"),
                                        InstanceMethod<&KeySet::Close>("close"),
                                    });
  }

  // new KeySet(path: Uint8Array of UTF-8, mapBytes)
  explicit KeySet(const Napi::CallbackInfo& info) : Napi::ObjectWrap<KeySet>(info) {
    Bytes path;
    size_t map_bytes = 0;
    if (!TakeAtMost(info, 0, 4096, "path", &path) || !TakeNumber(info, 1, kMapMaxBytes, "map size", &map_bytes)) return;
    if (path.length == 0) {
      ThrowCoded(info.Env(), kArgument, "path must not be empty");
      return;
    }
    MxKeySet* set = nullptr;
    int32_t status = mx_keys_open(path.data, path.length, map_bytes, &set);
    if (status != 0) {
      StatusError(info.Env(), status).ThrowAsJavaScriptException();
      return;
    }
    set_ = Set(set, mx_keys_close);
  }

 private:
  Napi::Value Fail(const Napi::CallbackInfo& info, int32_t status) {
    StatusError(info.Env(), status).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }

  // has(key): boolean
  Napi::Value Has(const Napi::CallbackInfo& info) {
    Bytes key;
    if (!TakeExactly(info, 0, kKeyBytes, "key", &key)) return info.Env().Undefined();
    bool found = false;
    int32_t status = set_ ? mx_keys_has(set_.get(), key.data, &found) : kClosed;
    return status == 0 ? Napi::Boolean::New(info.Env(), found) : Fail(info, status);
  }

  // count(): number
  Napi::Value Count(const Napi::CallbackInfo& info) {
    uint64_t count = 0;
    int32_t status = set_ ? mx_keys_count(set_.get(), &count) : kClosed;
    return status == 0 ? Napi::Number::New(info.Env(), static_cast<double>(count)) : Fail(info, status);
  }

  // page(after: 32 bytes or none, out: room for whole keys): number of keys
  Napi::Value Page(const Napi::CallbackInfo& info) {
    Bytes after, out;
    if (!TakeAtMost(info, 0, kKeyBytes, "after", &after) || !TakeAtMost(info, 1, kPageMax * kKeyBytes, "out", &out))
      return info.Env().Undefined();
    if ((after.length != 0 && after.length != kKeyBytes) || out.length % kKeyBytes != 0 || !Apart(info.Env(), out, after)) {
      if (!info.Env().IsExceptionPending()) ThrowCoded(info.Env(), kArgument, "keys have 32 bytes");
      return info.Env().Undefined();
    }
    if (out.length == 0) return Napi::Number::New(info.Env(), 0);
    size_t found = 0;
    const uint8_t* from = after.length == 0 ? nullptr : after.data;
    int32_t status = set_ ? mx_keys_page(set_.get(), from, out.length / kKeyBytes, out.data, &found) : kClosed;
    return status == 0 ? Napi::Number::New(info.Env(), static_cast<double>(found)) : Fail(info, status);
  }

  // insert(keys), remove(keys): Promise<Uint8Array>, one byte a key, 1 where something changed
  Napi::Value Insert(const Napi::CallbackInfo& info) { return Begin(info, mx_keys_insert); }
  Napi::Value Remove(const Napi::CallbackInfo& info) { return Begin(info, mx_keys_remove); }

  Napi::Value Begin(const Napi::CallbackInfo& info, Change change) {
    Bytes keys;
    if (!TakeAtMost(info, 0, kBatchMaxBytes, "keys", &keys)) return info.Env().Undefined();
    if (keys.length % kKeyBytes != 0) {
      ThrowCoded(info.Env(), kArgument, "keys have 32 bytes");
      return info.Env().Undefined();
    }
    if (!set_) return Fail(info, kClosed);
    return (new ChangeJob(info.Env(), set_, change, keys))->Begin();
  }

  // close(): the files are closed when the last running change has ended
  Napi::Value Close(const Napi::CallbackInfo& info) {
    set_.reset();
    return info.Env().Undefined();
  }

  Set set_;
};

}  // namespace

void InitKeys(Napi::Env env, Napi::Object exports) { KeySet::Init(env, exports); }

}  // namespace myrmex
