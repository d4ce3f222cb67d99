// Memory of outgoing messages that the endpoint sends without a copy. JS sees it as a Uint8Array like any other; the
// buffer behind it carries a tag, by which a send knows it again.
#pragma once
#include <napi.h>

#include "endpoint_abi.h"

namespace myrmex::quic {

// allocateMessage(length): Uint8Array. Ordinary memory where the runtime allows no external one.
Napi::Value AllocateMessage(const Napi::CallbackInfo& info);

// The body behind a buffer that is attached; null for any other buffer.
const MxQuicBody* BodyOf(napi_env env, napi_value buffer);

}  // namespace myrmex::quic
