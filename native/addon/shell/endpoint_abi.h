// The C ABI of native/quic, as the shell sees it. Layouts must match quic/src/c_abi.rs and events.rs.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

struct MxQuicEndpoint;
struct MxQuicBody;

struct MxQuicText {
  size_t length;
  char bytes[256];
};

struct MxQuicBuffer {
  uint8_t* data;
  size_t length;
  size_t capacity;
};

struct MxQuicEvent {
  uint32_t kind;
  uint32_t a;
  uint32_t b;
  double code;
  MxQuicBuffer text;
  MxQuicBuffer data;
};

struct MxQuicWaker {
  void (*wake)(void*);
  void (*release)(void*);
  void* context;
};

enum MxQuicStatus : int32_t {
  kMxQuicOk = 0,
  kMxQuicArgument = -1,
  kMxQuicGone = -2,
  kMxQuicQueueFull = -3,
  kMxQuicAddressInUse = -4,
  kMxQuicBind = -5,
  kMxQuicFailed = -6,
};

const char* mx_quic_engine();
int32_t mx_quic_open(const uint8_t* secret, size_t secret_length, const char* bind, size_t bind_length,
                     const double* options, size_t options_count, MxQuicWaker waker, MxQuicEndpoint** out,
                     MxQuicText* error);
void mx_quic_free(MxQuicEndpoint* endpoint);
size_t mx_quic_address(const MxQuicEndpoint* endpoint, char* out, size_t capacity);
void mx_quic_public_key(const MxQuicEndpoint* endpoint, uint8_t* out);
int32_t mx_quic_dial(const MxQuicEndpoint* endpoint, uint32_t request, const char* address, size_t address_length,
                     uint32_t timeout_ms);
int32_t mx_quic_send(const MxQuicEndpoint* endpoint, uint32_t request, uint32_t connection, const uint8_t* data,
                     size_t length, bool acknowledged, int32_t priority);
int32_t mx_quic_send_body(const MxQuicEndpoint* endpoint, uint32_t request, uint32_t connection, const MxQuicBody* body,
                          size_t offset, size_t length, bool acknowledged, int32_t priority);
const MxQuicBody* mx_quic_body_new(size_t length);
uint8_t* mx_quic_body_data(const MxQuicBody* body);
void mx_quic_body_free(const MxQuicBody* body);
void mx_quic_cancel(const MxQuicEndpoint* endpoint, uint32_t request);
int32_t mx_quic_close_connection(const MxQuicEndpoint* endpoint, uint32_t connection, double code, const char* reason,
                                 size_t reason_length);
int32_t mx_quic_set_receive_window(const MxQuicEndpoint* endpoint, uint32_t connection, double bytes);
int32_t mx_quic_ping(const MxQuicEndpoint* endpoint, uint32_t connection);
int32_t mx_quic_stats(const MxQuicEndpoint* endpoint, uint32_t connection, double* out, size_t count);
int32_t mx_quic_counters(const MxQuicEndpoint* endpoint, double* out, size_t count);
int32_t mx_quic_cut_links(const MxQuicEndpoint* endpoint, const uint16_t* from, size_t from_count, const uint16_t* to,
                          size_t to_count);
int32_t mx_quic_close(const MxQuicEndpoint* endpoint, uint32_t request, double code, const char* reason,
                      size_t reason_length);
int32_t mx_quic_shutdown(const MxQuicEndpoint* endpoint, double code, const char* reason, size_t reason_length,
                         uint32_t limit_ms);
size_t mx_quic_drain(const MxQuicEndpoint* endpoint, MxQuicEvent* out, size_t max);
void mx_quic_buffer_free(uint8_t* data, size_t length, size_t capacity);

}  // extern "C"

namespace myrmex {

inline constexpr size_t kQuicPublicKeyBytes = 1952;
// From here on a message may lie in memory of the endpoint (src/transport/quic/addon.ts says the same).
inline constexpr size_t kQuicBodyBytes = 65536;
inline constexpr size_t kQuicStatsCount = 7;
inline constexpr size_t kQuicCountersCount = 13;

}  // namespace myrmex
