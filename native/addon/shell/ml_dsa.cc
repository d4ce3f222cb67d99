// ML-DSA-65 (FIPS 204).
#include "abi.h"
#include "arguments.h"
#include "kernels.h"

namespace myrmex {

namespace {

constexpr size_t kSeedBytes = 32;
constexpr size_t kPublicKeyBytes = 1952;
constexpr size_t kSecretKeyBytes = 4032;
constexpr size_t kSignatureBytes = 3309;
constexpr size_t kContextMaxBytes = 255;
constexpr size_t kRandomnessBytes = 32;
constexpr size_t kMessageMaxBytes = size_t{1} << 28;

// mlDsaKeyPairInto(seed, publicKey, secretKey)
void KeyPairInto(const Napi::CallbackInfo& info) {
  Bytes seed, public_key, secret_key;
  if (!TakeExactly(info, 0, kSeedBytes, "seed", &seed) ||
      !TakeExactly(info, 1, kPublicKeyBytes, "public key", &public_key) ||
      !TakeExactly(info, 2, kSecretKeyBytes, "secret key", &secret_key) || !Apart(info.Env(), public_key, seed) ||
      !Apart(info.Env(), secret_key, seed) || !Apart(info.Env(), secret_key, public_key))
    return;
  if (mx_ml_dsa_key_pair(seed.data, public_key.data, secret_key.data) != 0)
    ThrowCoded(info.Env(), kArgument, "ML-DSA-65 key generation failed");
}

// mlDsaPublicKeyInto(secretKey, publicKey)
void PublicKeyInto(const Napi::CallbackInfo& info) {
  Bytes secret_key, public_key;
  if (!TakeExactly(info, 0, kSecretKeyBytes, "secret key", &secret_key) ||
      !TakeExactly(info, 1, kPublicKeyBytes, "public key", &public_key) || !Apart(info.Env(), public_key, secret_key))
    return;
  if (mx_ml_dsa_public_key(secret_key.data, public_key.data) != 0)
    ThrowCoded(info.Env(), kArgument, "secret key is not a valid ML-DSA-65 key");
}

// mlDsaSignInto(secretKey, message, context, randomness, signature); empty randomness: fresh one of the system
void SignInto(const Napi::CallbackInfo& info) {
  Bytes secret_key, message, context, randomness, signature;
  if (!TakeExactly(info, 0, kSecretKeyBytes, "secret key", &secret_key) ||
      !TakeAtMost(info, 1, kMessageMaxBytes, "message", &message) ||
      !TakeAtMost(info, 2, kContextMaxBytes, "context", &context) ||
      !TakeAtMost(info, 3, kRandomnessBytes, "randomness", &randomness) ||
      !TakeExactly(info, 4, kSignatureBytes, "signature", &signature))
    return;
  if (randomness.length != 0 && randomness.length != kRandomnessBytes)
    return ThrowCoded(info.Env(), kArgument, "randomness must have 32 bytes or none");
  for (const Bytes& input : {secret_key, message, context, randomness})
    if (!Apart(info.Env(), signature, input)) return;
  const uint8_t* given = randomness.length == 0 ? nullptr : randomness.data;
  if (mx_ml_dsa_sign(secret_key.data, message.data, message.length, context.data, context.length, given,
                     signature.data) != 0)
    ThrowCoded(info.Env(), kArgument, "secret key is not a valid ML-DSA-65 key");
}

// mlDsaVerify(publicKey, message, signature, context): boolean
Napi::Value Verify(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Bytes public_key, message, signature, context;
  if (!TakeBytes(info, 0, "public key", &public_key) ||
      !TakeAtMost(info, 1, kMessageMaxBytes, "message", &message) ||
      !TakeBytes(info, 2, "signature", &signature) || !TakeBytes(info, 3, "context", &context))
    return env.Undefined();
  const bool fits = public_key.length == kPublicKeyBytes && signature.length == kSignatureBytes &&
                    context.length <= kContextMaxBytes;
  return Napi::Boolean::New(env, fits && mx_ml_dsa_verify(public_key.data, message.data, message.length,
                                                          signature.data, context.data, context.length) == 1);
}

}  // namespace

void InitMlDsa(Napi::Env env, Napi::Object exports) {
  exports["mlDsaKeyPairInto"] = Napi::Function::New<KeyPairInto>(env, "mlDsaKeyPairInto");
  exports["mlDsaPublicKeyInto"] = Napi::Function::New<PublicKeyInto>(env, "mlDsaPublicKeyInto");
  exports["mlDsaSignInto"] = Napi::Function::New<SignInto>(env, "mlDsaSignInto");
  exports["mlDsaVerify"] = Napi::Function::New<Verify>(env, "mlDsaVerify");
}

}  // namespace myrmex
