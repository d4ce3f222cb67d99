// The QUIC endpoint as a class of JS. Calls are synchronous and take request numbers; completions and events come in
// batches from `drain`: numbers in a typed array, texts and bytes beside them (see quic/src/abi_types.rs).
#include <algorithm>
#include <memory>
#include <string>

#include "endpoint_abi.h"
#include "endpoint_body.h"
#include "endpoint_values.h"
#include "endpoint_wake.h"
#include "init.h"

#if defined(__linux__) || defined(__APPLE__)
#include <dlfcn.h>
#endif

namespace myrmex::quic {
namespace {

constexpr size_t kEventsPerDrain = 256;
constexpr size_t kNumbers = 4;
// Set in the kind of an event that has one.
constexpr uint32_t kHasText = 1 << 8, kHasData = 1 << 9;
constexpr uint32_t kExitLimitMs = 250;
constexpr char kExitReason[] = "shutdown";

// The endpoint's thread outlives every environment, so its code must never be unmapped (a worker that was the only
// one to load the addon would unmap it on exit).
void KeepLoaded() {
#if defined(__linux__) || defined(__APPLE__)
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&KeepLoaded), &info) != 0 && info.dli_fname != nullptr) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE);
  }
#endif
}

class QuicEndpoint : public Napi::ObjectWrap<QuicEndpoint> {
 public:
  static Napi::Function Class(Napi::Env env) {
    return DefineClass(env, "QuicEndpoint",
                       {InstanceMethod<&QuicEndpoint::Address>("address"),
                        InstanceMethod<&QuicEndpoint::PublicKey>("publicKey"),
                        InstanceMethod<&QuicEndpoint::Dial>("dial"),
                        InstanceMethod<&QuicEndpoint::Send>("send"),
                        InstanceMethod<&QuicEndpoint::Cancel>("cancel"),
                        InstanceMethod<&QuicEndpoint::CloseConnection>("closeConnection"),
                        InstanceMethod<&QuicEndpoint::SetReceiveWindow>("setReceiveWindow"),
                        InstanceMethod<&QuicEndpoint::Ping>("ping"),
                        InstanceMethod<&QuicEndpoint::Stats>("stats"),
                        InstanceMethod<&QuicEndpoint::Counters>("counters"),
                        InstanceMethod<&QuicEndpoint::CutLinks>("cutLinks"),
                        InstanceMethod<&QuicEndpoint::Close>("close"),
                        InstanceMethod<&QuicEndpoint::Shutdown>("shutdown"),
                        InstanceMethod<&QuicEndpoint::Drain>("drain"),
                        InstanceMethod<&QuicEndpoint::SetReferenced>("setReferenced"),
                        InstanceMethod<&QuicEndpoint::Free>("free")});
  }

  // (secret: Uint8Array, bind: string, options: Float64Array, wake: () => void)
  explicit QuicEndpoint(const Napi::CallbackInfo& info) : Napi::ObjectWrap<QuicEndpoint>(info), env_(info.Env()) {
    Bytes secret;
    if (!BytesOf(info[0], &secret) || !info[1].IsString() || !info[3].IsFunction() || !info[2].IsTypedArray() ||
        info[2].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
      BadArgument(env_, "takes a secret key, an address, options and a function");
      return;
    }
    KeepLoaded();
    wake_ = EndpointWake::Create(env_, info[3]);
    if (wake_ == nullptr) {
      Refuse(env_, "FAILED", "QuicEndpoint: Node gives no thread-safe function");
      return;
    }
    std::string bind = info[1].As<Napi::String>();
    auto options = info[2].As<Napi::Float64Array>();
    MxQuicText error{};
    int32_t status = mx_quic_open(secret.data, secret.length, bind.data(), bind.size(), options.Data(),
                                  options.ElementLength(), EndpointWake::ForAbi(wake_), &endpoint_, &error);
    if (status != kMxQuicOk) {
      wake_->Stop();
      endpoint_ = nullptr;
      Refuse(env_, CodeOf(status), std::string(error.bytes, error.length));
      return;
    }
    // After the thread-safe function's own hook, so this one runs before it.
    napi_add_env_cleanup_hook(env_, &QuicEndpoint::AtExit, this);
  }

  ~QuicEndpoint() override { Release(); }

 private:
  static const char* CodeOf(int32_t status) {
    switch (status) {
      case kMxQuicAddressInUse:
        return "ADDRESS_IN_USE";
      case kMxQuicBind:
        return "BIND_FAILED";
      case kMxQuicArgument:
        return "INVALID_ARGUMENT";
      default:
        return "FAILED";
    }
  }

  // The environment ends with a live endpoint: peers are told, then nothing of ours calls back.
  static void AtExit(void* self) {
    auto* endpoint = static_cast<QuicEndpoint*>(self);
    if (endpoint->endpoint_ != nullptr) {
      mx_quic_shutdown(endpoint->endpoint_, 0, kExitReason, sizeof kExitReason - 1, kExitLimitMs);
    }
    endpoint->Release();
  }

  void Release() {
    if (endpoint_ == nullptr) return;
    napi_remove_env_cleanup_hook(env_, &QuicEndpoint::AtExit, this);
    wake_->Stop();
    mx_quic_free(endpoint_);
    endpoint_ = nullptr;
  }

  bool Gone(Napi::Env env) {
    if (endpoint_ != nullptr) return false;
    Refuse(env, "CLOSED", "QuicEndpoint: it is freed");
    return true;
  }

  Napi::Value Address(const Napi::CallbackInfo& info) {
    if (Gone(info.Env())) return info.Env().Undefined();
    char text[64];
    size_t length = mx_quic_address(endpoint_, text, sizeof text);
    return Napi::String::New(info.Env(), text, length);
  }

  Napi::Value PublicKey(const Napi::CallbackInfo& info) {
    if (Gone(info.Env())) return info.Env().Undefined();
    auto key = Napi::Uint8Array::New(info.Env(), kQuicPublicKeyBytes);
    mx_quic_public_key(endpoint_, key.Data());
    return key;
  }

  // (request, address, timeout ms) -> status
  Napi::Value Dial(const Napi::CallbackInfo& info) {
    uint32_t request, timeout;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &request) || !info[1].IsString() || !Uint32Of(info[2], &timeout)) {
      return BadArgument(info.Env(), "dial takes a request number, an address and milliseconds");
    }
    std::string address = info[1].As<Napi::String>();
    return Napi::Number::New(info.Env(), mx_quic_dial(endpoint_, request, address.data(), address.size(), timeout));
  }

  // (request, connection, message, acknowledged, priority) -> status
  Napi::Value Send(const Napi::CallbackInfo& info) {
    uint32_t request, connection;
    Bytes message;
    double priority;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &request) || !Uint32Of(info[1], &connection) || !BytesOf(info[2], &message) ||
        !info[3].IsBoolean() || !NumberOf(info[4], -2147483648.0, 2147483647.0, &priority)) {
      return BadArgument(info.Env(), "send takes two numbers, a Uint8Array, a boolean and a priority");
    }
    bool acknowledged = info[3].As<Napi::Boolean>();
    auto order = static_cast<int32_t>(priority);
    // Small messages are copied anyway: they are not asked whose memory they are.
    const MxQuicBody* body = message.length < kQuicBodyBytes ? nullptr : BodyOf(info.Env(), message.buffer);
    int32_t status = body == nullptr ? mx_quic_send(endpoint_, request, connection, message.data, message.length,
                                                    acknowledged, order)
                                     : mx_quic_send_body(endpoint_, request, connection, body, message.offset,
                                                         message.length, acknowledged, order);
    return Napi::Number::New(info.Env(), status);
  }

  // (request)
  Napi::Value Cancel(const Napi::CallbackInfo& info) {
    uint32_t request;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &request)) return BadArgument(info.Env(), "cancel takes a request number");
    mx_quic_cancel(endpoint_, request);
    return info.Env().Undefined();
  }

  // (connection, code, reason) -> status
  Napi::Value CloseConnection(const Napi::CallbackInfo& info) {
    uint32_t connection;
    double code;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &connection) || !BigNumberOf(info[1], &code) || !info[2].IsString()) {
      return BadArgument(info.Env(), "closeConnection takes a number, a code and a reason");
    }
    std::string reason = info[2].As<Napi::String>();
    return Napi::Number::New(
        info.Env(), mx_quic_close_connection(endpoint_, connection, code, reason.data(), reason.size()));
  }

  // (connection, bytes) -> status
  Napi::Value SetReceiveWindow(const Napi::CallbackInfo& info) {
    uint32_t connection;
    double bytes;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &connection) || !BigNumberOf(info[1], &bytes)) {
      return BadArgument(info.Env(), "setReceiveWindow takes a number and bytes");
    }
    return Napi::Number::New(info.Env(), mx_quic_set_receive_window(endpoint_, connection, bytes));
  }

  // (connection) -> status
  Napi::Value Ping(const Napi::CallbackInfo& info) {
    uint32_t connection;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &connection)) return BadArgument(info.Env(), "ping takes a number");
    return Napi::Number::New(info.Env(), mx_quic_ping(endpoint_, connection));
  }

  // (connection) -> Float64Array | undefined
  Napi::Value Stats(const Napi::CallbackInfo& info) {
    uint32_t connection;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &connection)) return BadArgument(info.Env(), "stats takes a number");
    auto numbers = Napi::Float64Array::New(info.Env(), kQuicStatsCount);
    int32_t status = mx_quic_stats(endpoint_, connection, numbers.Data(), kQuicStatsCount);
    return status == kMxQuicOk ? numbers : info.Env().Undefined();
  }

  Napi::Value Counters(const Napi::CallbackInfo& info) {
    if (Gone(info.Env())) return info.Env().Undefined();
    auto numbers = Napi::Float64Array::New(info.Env(), kQuicCountersCount);
    mx_quic_counters(endpoint_, numbers.Data(), kQuicCountersCount);
    return numbers;
  }

  // (from: Uint16Array, to: Uint16Array) -> status
  Napi::Value CutLinks(const Napi::CallbackInfo& info) {
    if (Gone(info.Env())) return info.Env().Undefined();
    Bytes from;
    Bytes to;
    if (!PortsOf(info[0], &from) || !PortsOf(info[1], &to)) {
      return BadArgument(info.Env(), "cutLinks takes two arrays of ports");
    }
    auto ports = [](const Bytes& view) { return reinterpret_cast<const uint16_t*>(view.data); };
    return Napi::Number::New(info.Env(),
                             mx_quic_cut_links(endpoint_, ports(from), from.length, ports(to), to.length));
  }

  // (request, code, reason) -> status
  Napi::Value Close(const Napi::CallbackInfo& info) {
    uint32_t request;
    double code;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!Uint32Of(info[0], &request) || !BigNumberOf(info[1], &code) || !info[2].IsString()) {
      return BadArgument(info.Env(), "close takes a request number, a code and a reason");
    }
    std::string reason = info[2].As<Napi::String>();
    return Napi::Number::New(info.Env(), mx_quic_close(endpoint_, request, code, reason.data(), reason.size()));
  }

  // (code, reason, limit ms): closes and blocks until peers are told; for the end of a process
  Napi::Value Shutdown(const Napi::CallbackInfo& info) {
    double code;
    uint32_t limit;
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!BigNumberOf(info[0], &code) || !info[1].IsString() || !Uint32Of(info[2], &limit)) {
      return BadArgument(info.Env(), "shutdown takes a code, a reason and milliseconds");
    }
    std::string reason = info[1].As<Napi::String>();
    mx_quic_shutdown(endpoint_, code, reason.data(), reason.size(), limit);
    return info.Env().Undefined();
  }

  // (numbers: Float64Array, values: array) -> how many events. Each has four numbers: kind, a, b, code; its text and
  // its data, where the kind says so, are added to the values.
  Napi::Value Drain(const Napi::CallbackInfo& info) {
    if (Gone(info.Env())) return info.Env().Undefined();
    napi_env env = info.Env();
    if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
        !info[1].IsArray()) {
      return BadArgument(env, "drain takes numbers and an array");
    }
    auto numbers = info[0].As<Napi::Float64Array>();
    double* slot = numbers.Data();
    MxQuicEvent events[kEventsPerDrain];
    size_t count = mx_quic_drain(endpoint_, events, std::min(kEventsPerDrain, numbers.ElementLength() / kNumbers));
    uint32_t values = 0;
    for (size_t i = 0; i < count; i++, slot += kNumbers) {
      const MxQuicEvent& event = events[i];
      EventBuffer text(event.text), data(event.data);
      uint32_t has = (text.empty() ? 0 : kHasText) | (data.empty() ? 0 : kHasData);
      slot[0] = event.kind | has;
      slot[1] = event.a;
      slot[2] = event.b;
      slot[3] = event.code;
      if (!text.empty()) napi_set_element(env, info[1], values++, text.ToString(env));
      if (!data.empty()) napi_set_element(env, info[1], values++, data.ToBytes(env));
    }
    return Napi::Number::New(env, static_cast<double>(count));
  }

  // (referenced)
  Napi::Value SetReferenced(const Napi::CallbackInfo& info) {
    if (Gone(info.Env())) return info.Env().Undefined();
    if (!info[0].IsBoolean()) return BadArgument(info.Env(), "setReferenced takes a boolean");
    wake_->SetReferenced(info.Env(), info[0].As<Napi::Boolean>());
    return info.Env().Undefined();
  }

  Napi::Value Free(const Napi::CallbackInfo& info) {
    Release();
    return info.Env().Undefined();
  }

  Napi::Env env_;
  std::shared_ptr<EndpointWake> wake_;
  MxQuicEndpoint* endpoint_ = nullptr;
};

}  // namespace
}  // namespace myrmex::quic

namespace myrmex {

void InitEndpoint(Napi::Env env, Napi::Object exports) {
  exports["QuicEndpoint"] = quic::QuicEndpoint::Class(env);
  exports["allocateMessage"] = Napi::Function::New<quic::AllocateMessage>(env, "allocateMessage");
  exports["quicEngine"] = Napi::String::New(env, mx_quic_engine());
}

}  // namespace myrmex
