#include "endpoint_wake.h"

#include <utility>

namespace myrmex {

std::shared_ptr<EndpointWake> EndpointWake::Create(napi_env env, napi_value callback) {
  napi_value name;
  auto wake = std::make_shared<EndpointWake>();
  if (napi_create_string_utf8(env, "myrmex quic endpoint", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, callback, nullptr, name, 0, 1, nullptr, nullptr, nullptr, nullptr,
                                      &wake->function_) != napi_ok) {
    return nullptr;
  }
  return wake;
}

MxQuicWaker EndpointWake::ForAbi(std::shared_ptr<EndpointWake> wake) {
  using Owner = std::shared_ptr<EndpointWake>;
  return {
      [](void* context) { (*static_cast<Owner*>(context))->Wake(); },
      [](void* context) { delete static_cast<Owner*>(context); },
      new Owner(std::move(wake)),
  };
}

void EndpointWake::Wake() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (function_ != nullptr) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
}

void EndpointWake::Stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (function_ == nullptr) return;
  napi_release_threadsafe_function(function_, napi_tsfn_abort);
  function_ = nullptr;
}

void EndpointWake::SetReferenced(napi_env env, bool referenced) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (function_ == nullptr) return;
  if (referenced) {
    napi_ref_threadsafe_function(env, function_);
  } else {
    napi_unref_threadsafe_function(env, function_);
  }
}

}  // namespace myrmex
