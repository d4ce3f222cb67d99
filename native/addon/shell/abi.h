// The C ABI of myrmex-core (native/core/src/c_abi). Status 0 is success.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {

struct MxHasher;

struct MxBuffer {
  uint8_t* data;
  size_t length;
  size_t capacity;
};

uint32_t mx_abi_version();

int32_t mx_blake3(const uint8_t* data, size_t length, uint8_t* out);
int32_t mx_blake3_mode(uint32_t mode, const uint8_t* key, size_t key_length, const uint8_t* data, size_t length,
                       uint8_t* out, size_t out_length);
MxHasher* mx_hasher_new(uint32_t mode, const uint8_t* key, size_t key_length);
int32_t mx_hasher_update(MxHasher* hasher, const uint8_t* data, size_t length);
int32_t mx_hasher_digest(const MxHasher* hasher, uint64_t position, uint8_t* out, size_t length);
void mx_hasher_free(MxHasher* hasher);

int32_t mx_ml_dsa_key_pair(const uint8_t* seed, uint8_t* public_key, uint8_t* secret_key);
int32_t mx_ml_dsa_public_key(const uint8_t* secret_key, uint8_t* public_key);
int32_t mx_ml_dsa_sign(const uint8_t* secret_key, const uint8_t* message, size_t message_length,
                       const uint8_t* context, size_t context_length, const uint8_t* randomness,
                       uint8_t* signature);
int32_t mx_ml_dsa_verify(const uint8_t* public_key, const uint8_t* message, size_t message_length,
                         const uint8_t* signature, const uint8_t* context, size_t context_length);

int32_t mx_seal(const uint8_t* plain, size_t length, const uint8_t* input, uint8_t* address, MxBuffer* content);
int32_t mx_open(const uint8_t* content, size_t length, const uint8_t* input, uint8_t* plain, size_t size);
void mx_buffer_free(MxBuffer* buffer);

int32_t mx_nonced_root(const uint8_t* key, const uint8_t* content, size_t length, uint8_t* out);
int32_t mx_nonced_path(const uint8_t* key, const uint8_t* content, size_t length, size_t index, uint8_t* out,
                       size_t out_length);
int32_t mx_bao_slice(const uint8_t* content, size_t length, size_t index, uint8_t* out, size_t out_length);

}
