// The kernels whose time grows with their input, on Node's own threads: a message of 4 MiB costs SHAKE256 about 10 ms,
// which the event loop does not have. Small inputs are copied; the large one is borrowed until the promise settles. It
// is kept from the collector, but Node-API cannot keep it from being moved: whoever calls must not transfer it meanwhile.
#include <array>
#include <vector>

#include "abi.h"
#include "arguments.h"
#include "kernels.h"

namespace myrmex {

namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kPublicKeyBytes = 1952;
constexpr size_t kSecretKeyBytes = 4032;
constexpr size_t kSignatureBytes = 3309;
constexpr size_t kContextMaxBytes = 255;
constexpr size_t kMessageMaxBytes = size_t{1} << 28;
constexpr size_t kContentMaxBytes = size_t{1} << 24;
// Far above the longest path or slice of such a content.
constexpr double kOpeningMaxBytes = 4096;
constexpr double kIndexMax = 9007199254740991.0;

using Small = std::vector<uint8_t>;

Small CopyOf(const Bytes& bytes) {
  return bytes.length == 0 ? Small() : Small(bytes.data, bytes.data + bytes.length);
}

// One call: deletes itself when the promise is settled.
class Job : public Napi::AsyncWorker {
 public:
  Job(Napi::Env env, Napi::Value held, const Bytes& large)
      : Napi::AsyncWorker(env), large_(large), deferred_(Napi::Promise::Deferred::New(env)) {
    held_ = Napi::Persistent(held.As<Napi::Object>());
  }

  Napi::Value Begin() {
    Napi::Promise promise = deferred_.Promise();
    Queue();
    return promise;
  }

 protected:
  virtual Napi::Value Result(Napi::Env env) = 0;

  void OnOK() override {
    Napi::Env env = Env();
    Napi::Value result = Result(env);
    if (env.IsExceptionPending()) {
      deferred_.Reject(env.GetAndClearPendingException().Value());
    } else {
      deferred_.Resolve(result);
    }
  }

  Napi::Value Failure(Napi::Env env, const char* message) {
    ThrowCoded(env, kArgument, message);
    return env.Undefined();
  }

  template <size_t N>
  static Napi::Value ArrayOf(Napi::Env env, const std::array<uint8_t, N>& bytes) {
    auto array = Napi::Uint8Array::New(env, N);
    if (!env.IsExceptionPending()) std::copy(bytes.begin(), bytes.end(), array.Data());
    return array;
  }

  Bytes large_;

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference held_;
};

class HashJob : public Job {
 public:
  using Job::Job;
  void Execute() override { status_ = mx_blake3(large_.data, large_.length, hash_.data()); }
  Napi::Value Result(Napi::Env env) override {
    return status_ == 0 ? ArrayOf(env, hash_) : Failure(env, "BLAKE3 kernel failed");
  }

 private:
  int32_t status_ = -1;
  std::array<uint8_t, kHashBytes> hash_{};
};

class SignJob : public Job {
 public:
  SignJob(Napi::Env env, Napi::Value held, const Bytes& message, Small secret_key, Small context)
      : Job(env, held, message), secret_key_(std::move(secret_key)), context_(std::move(context)) {}

  ~SignJob() override {
    volatile uint8_t* secret = secret_key_.data();
    for (size_t i = 0; i < secret_key_.size(); i++) secret[i] = 0;
  }

  void Execute() override {
    status_ = mx_ml_dsa_sign(secret_key_.data(), large_.data, large_.length, context_.data(), context_.size(), nullptr,
                             signature_.data());
  }
  Napi::Value Result(Napi::Env env) override {
    return status_ == 0 ? ArrayOf(env, signature_) : Failure(env, "secret key is not a valid ML-DSA-65 key");
  }

 private:
  int32_t status_ = -1;
  Small secret_key_, context_;
  std::array<uint8_t, kSignatureBytes> signature_{};
};

class VerifyJob : public Job {
 public:
  VerifyJob(Napi::Env env, Napi::Value held, const Bytes& message, Small public_key, Small signature, Small context)
      : Job(env, held, message),
        public_key_(std::move(public_key)),
        signature_(std::move(signature)),
        context_(std::move(context)) {}

  void Execute() override {
    valid_ = mx_ml_dsa_verify(public_key_.data(), large_.data, large_.length, signature_.data(), context_.data(),
                              context_.size()) == 1;
  }
  Napi::Value Result(Napi::Env env) override { return Napi::Boolean::New(env, valid_); }

 private:
  bool valid_ = false;
  Small public_key_, signature_, context_;
};

class RootJob : public Job {
 public:
  RootJob(Napi::Env env, Napi::Value held, const Bytes& content, Small key)
      : Job(env, held, content), key_(std::move(key)) {}

  void Execute() override { status_ = mx_nonced_root(key_.data(), large_.data, large_.length, root_.data()); }
  Napi::Value Result(Napi::Env env) override {
    return status_ == 0 ? ArrayOf(env, root_) : Failure(env, "nonced root kernel failed");
  }

 private:
  int32_t status_ = -1;
  Small key_;
  std::array<uint8_t, kHashBytes> root_{};
};

// A nonced path where there is a key, a Bao slice where there is none.
class OpeningJob : public Job {
 public:
  OpeningJob(Napi::Env env, Napi::Value held, const Bytes& content, Small key, size_t index, size_t length)
      : Job(env, held, content), key_(std::move(key)), index_(index), opening_(length) {}

  void Execute() override {
    status_ = key_.empty() ? mx_bao_slice(large_.data, large_.length, index_, opening_.data(), opening_.size())
                           : mx_nonced_path(key_.data(), large_.data, large_.length, index_, opening_.data(),
                                            opening_.size());
  }
  Napi::Value Result(Napi::Env env) override {
    if (status_ != 0) return Failure(env, "block index or output size does not fit the content");
    auto array = Napi::Uint8Array::New(env, opening_.size());
    if (!env.IsExceptionPending()) std::copy(opening_.begin(), opening_.end(), array.Data());
    return array;
  }

 private:
  int32_t status_ = -1;
  Small key_;
  size_t index_;
  Small opening_;
};

// blake3Later(data): Promise<Uint8Array>
Napi::Value HashLater(const Napi::CallbackInfo& info) {
  Bytes data;
  if (!TakeBytes(info, 0, "data", &data)) return info.Env().Undefined();
  return (new HashJob(info.Env(), info[0], data))->Begin();
}

// mlDsaSignLater(secretKey, message, context): Promise<Uint8Array>, with fresh randomness
Napi::Value SignLater(const Napi::CallbackInfo& info) {
  Bytes secret_key, message, context;
  if (!TakeExactly(info, 0, kSecretKeyBytes, "secret key", &secret_key) ||
      !TakeAtMost(info, 1, kMessageMaxBytes, "message", &message) ||
      !TakeAtMost(info, 2, kContextMaxBytes, "context", &context))
    return info.Env().Undefined();
  return (new SignJob(info.Env(), info[1], message, CopyOf(secret_key), CopyOf(context)))->Begin();
}

// mlDsaVerifyLater(publicKey, message, signature, context): Promise<boolean>
Napi::Value VerifyLater(const Napi::CallbackInfo& info) {
  Bytes public_key, message, signature, context;
  if (!TakeExactly(info, 0, kPublicKeyBytes, "public key", &public_key) ||
      !TakeAtMost(info, 1, kMessageMaxBytes, "message", &message) ||
      !TakeExactly(info, 2, kSignatureBytes, "signature", &signature) ||
      !TakeAtMost(info, 3, kContextMaxBytes, "context", &context))
    return info.Env().Undefined();
  auto* job = new VerifyJob(info.Env(), info[1], message, CopyOf(public_key), CopyOf(signature), CopyOf(context));
  return job->Begin();
}

// noncedRootLater(key, content): Promise<Uint8Array>
Napi::Value RootLater(const Napi::CallbackInfo& info) {
  Bytes key, content;
  if (!TakeExactly(info, 0, kHashBytes, "block key", &key) ||
      !TakeAtMost(info, 1, kContentMaxBytes, "content", &content))
    return info.Env().Undefined();
  return (new RootJob(info.Env(), info[1], content, CopyOf(key)))->Begin();
}

// noncedPathLater(key, content, index, length): Promise<Uint8Array>, of that length
Napi::Value PathLater(const Napi::CallbackInfo& info) {
  Bytes key, content;
  size_t index = 0, length = 0;
  if (!TakeExactly(info, 0, kHashBytes, "block key", &key) ||
      !TakeAtMost(info, 1, kContentMaxBytes, "content", &content) ||
      !TakeNumber(info, 2, kIndexMax, "block index", &index) ||
      !TakeNumber(info, 3, kOpeningMaxBytes, "output length", &length))
    return info.Env().Undefined();
  return (new OpeningJob(info.Env(), info[1], content, CopyOf(key), index, length))->Begin();
}

// baoSliceLater(content, index, length): Promise<Uint8Array>, of that length
Napi::Value SliceLater(const Napi::CallbackInfo& info) {
  Bytes content;
  size_t index = 0, length = 0;
  if (!TakeAtMost(info, 0, kContentMaxBytes, "content", &content) ||
      !TakeNumber(info, 1, kIndexMax, "block index", &index) ||
      !TakeNumber(info, 2, kOpeningMaxBytes, "output length", &length))
    return info.Env().Undefined();
  return (new OpeningJob(info.Env(), info[0], content, Small(), index, length))->Begin();
}

}  // namespace

void InitOffThread(Napi::Env env, Napi::Object exports) {
  exports["blake3Later"] = Napi::Function::New<HashLater>(env, "blake3Later");
  exports["mlDsaSignLater"] = Napi::Function::New<SignLater>(env, "mlDsaSignLater");
  exports["noncedRootLater"] = Napi::Function::New<RootLater>(env, "noncedRootLater");
  exports["noncedPathLater"] = Napi::Function::New<PathLater>(env, "noncedPathLater");
  exports["baoSliceLater"] = Napi::Function::New<SliceLater>(env, "baoSliceLater");
  exports["mlDsaVerifyLater"] = Napi::Function::New<VerifyLater>(env, "mlDsaVerifyLater");
}

}  // namespace myrmex
