// Openings of a stored content for audits: nonced block tree and Bao slices. The core checks that the block is there
// and that the output has its size.
#include "abi.h"
#include "arguments.h"
#include "kernels.h"

namespace myrmex {

namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kContentMaxBytes = size_t{1} << 24;
constexpr double kIndexMax = 9007199254740991.0;
constexpr const char* kMismatch = "block index or output size does not fit the content";

// noncedRootInto(key, content, out)
void NoncedRootInto(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Bytes key, content, out;
  if (!TakeExactly(info, 0, kHashBytes, "block key", &key) ||
      !TakeAtMost(info, 1, kContentMaxBytes, "content", &content) ||
      !TakeExactly(info, 2, kHashBytes, "output", &out) || !Apart(env, out, key) || !Apart(env, out, content))
    return;
  if (mx_nonced_root(key.data, content.data, content.length, out.data) != 0)
    ThrowCoded(env, kArgument, "nonced root kernel failed");
}

// noncedPathInto(key, content, index, out)
void NoncedPathInto(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Bytes key, content, out;
  size_t index = 0;
  if (!TakeExactly(info, 0, kHashBytes, "block key", &key) ||
      !TakeAtMost(info, 1, kContentMaxBytes, "content", &content) ||
      !TakeNumber(info, 2, kIndexMax, "block index", &index) || !TakeBytes(info, 3, "output", &out) ||
      !Apart(env, out, key) || !Apart(env, out, content))
    return;
  if (mx_nonced_path(key.data, content.data, content.length, index, out.data, out.length) != 0)
    ThrowCoded(env, kArgument, kMismatch);
}

// baoSliceInto(content, index, out)
void BaoSliceInto(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Bytes content, out;
  size_t index = 0;
  if (!TakeAtMost(info, 0, kContentMaxBytes, "content", &content) ||
      !TakeNumber(info, 1, kIndexMax, "block index", &index) || !TakeBytes(info, 2, "output", &out) ||
      !Apart(env, out, content))
    return;
  if (mx_bao_slice(content.data, content.length, index, out.data, out.length) != 0)
    ThrowCoded(env, kArgument, kMismatch);
}

}  // namespace

void InitBlocks(Napi::Env env, Napi::Object exports) {
  exports["noncedRootInto"] = Napi::Function::New<NoncedRootInto>(env, "noncedRootInto");
  exports["noncedPathInto"] = Napi::Function::New<NoncedPathInto>(env, "noncedPathInto");
  exports["baoSliceInto"] = Napi::Function::New<BaoSliceInto>(env, "baoSliceInto");
}

}  // namespace myrmex
