#!/usr/bin/env bash
# Fuzzes every target for so many seconds each (default 600); stops at the first finding.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
# libFuzzer's flags are unlocked on the stable toolchain; the build must not disturb the ordinary one.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-/tmp/pappus-fuzz}
for target in $(cargo fuzz list); do
  echo "== $target for $seconds s"
  seeds=()
  case $target in
    archive_open_verify) seeds=(../tests/vectors/hostile) ;;
    federation | webfinger_hcard) seeds=(../tests/vectors/federation) ;;
  esac
  mkdir -p "fuzz/corpus/$target"
  cargo fuzz run "$target" "fuzz/corpus/$target" ${seeds[@]+"${seeds[@]}"} -- -max_total_time="$seconds" -print_final_stats=1 -verbosity=0
done
echo "no findings"
