// Wakes JS from the endpoint's thread. Safe until the last owner is gone, also after the environment is torn down.
#pragma once
#include <node_api.h>

#include <memory>
#include <mutex>

#include "endpoint_abi.h"

namespace myrmex {

class EndpointWake {
 public:
  // Calls `callback` without arguments on the thread of `env`, once for every wake. Null when Node refuses.
  static std::shared_ptr<EndpointWake> Create(napi_env env, napi_value callback);

  // A waker for the C ABI that shares ownership.
  static MxQuicWaker ForAbi(std::shared_ptr<EndpointWake> wake);

  // No call after this returns. On the thread of the environment.
  void Stop();

  // Whether the endpoint keeps the process alive.
  void SetReferenced(napi_env env, bool referenced);

 private:
  void Wake();

  std::mutex mutex_;
  napi_threadsafe_function function_ = nullptr;
};

}  // namespace myrmex
