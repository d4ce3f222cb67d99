#!/usr/bin/env bash
# What is too long for every change: sanitizers, long fuzz runs, large simulations, many kills. Any failure ends it.
# MINUTES scales the fuzz runs (default 10).
set -euo pipefail
cd "$(dirname "$0")/.."
minutes="${MINUTES:-10}"

npm test
npm run check

echo "== sanitizers (address, undefined)"
node scripts/sanitize.mjs

echo "== fuzz of the socket and of every decoder"
runtime=$(node --input-type=module --eval "import { pinnedRuntime } from './bin/runtime.mjs'; console.log(pinnedRuntime())")
"$runtime" test/fuzz/socket-fuzz.ts --datagrams $((minutes * 1000000)) --messages $((minutes * 10000))
MYRMEX_FUZZ_RUNS=$((minutes * 20000)) "$runtime" --test test/fuzz/*.test.ts

echo "== lookups among 10,000 nodes, a fifth of them dead"
SIM_NODES=10000 "$runtime" --max-old-space-size=8192 test/sim/dht-1000.test.ts

echo "== 1,000 whole nodes for a virtual hour, a third of them replaced"
"$runtime" --max-semi-space-size=256 --max-old-space-size=8192 \
  --external-memory-accounted-in-global-limit bench/sim/scale.ts --nodes 1000 --chunks 100000 --hours 1 --churn 0.3

echo "== 1,000 nodes that join by the protocol, three seeds"
for seed in 1 2 3; do
  SIM_SEED=$seed SIM_JOIN=protocol "$runtime" --test test/sim/dht-1000.test.ts
  SIM_SEED=$seed "$runtime" --test test/sim/whole-network.test.ts test/sim/dht-full-stack.test.ts
done

echo "== scenarios: the small ones with three seeds, then the large ones (hours); reports in .tmp/nightly"
mkdir -p .tmp/nightly
scenario() { # NAME SEED [OPTIONS]
  local name="$1" seed="$2"
  shift 2
  echo "-- $name, seed $seed"
  "$runtime" --max-semi-space-size=256 --max-old-space-size=12288 --external-memory-accounted-in-global-limit \
    src/cli/main.ts sim "$name" --seed "$seed" --no-shrink \
    --report ".tmp/nightly/$name.$seed.html" --figures ".tmp/nightly/$name.$seed.json" --overwrite "$@"
}
for seed in 1 2 3; do
  for name in ten-nodes-three-die churn-small partition rot liars-and-full-disks; do scenario $name $seed; done
done
scenario an-hour 1
for seed in 1 2 3; do scenario find-the-limit $seed; done
for seed in 1 2 3 4 5 6 7 8 9 10; do scenario a-day-small $seed; done
# One seed a night: the day of the year.
scenario a-day "$(date +%-j)"
