#!/bin/sh
# Random programs and random patterns against plain Lua, for an hour or so many minutes: tests/fuzz/run.sh [MINUTES]
# Each round has seeds of its own. The first difference ends it and says which seed shows it again.
set -eu
cd "$(dirname "$0")/../.."
end=$(($(date +%s) + ${1:-60} * 60))
seed=$(($(date +%s) * 1000))
round=$(mktemp)
trap 'rm -f "$round"' EXIT
programs=0
patterns=0
while [ "$(date +%s)" -lt "$end" ]; do
  SWITCHBOARD_SEED=$seed SWITCHBOARD_PROGRAMS=10000 cargo test --quiet --locked --test it lua::fuzz >"$round" 2>&1 &&
    SWITCHBOARD_SEED=$seed SWITCHBOARD_PATTERNS=1000000 cargo test --quiet --locked --lib pattern >>"$round" 2>&1 || {
      cat "$round"
      exit 1
    }
  programs=$((programs + 10000))
  patterns=$((patterns + 1000000))
  seed=$((seed + 1000000))
done
echo "$programs programs and $patterns patterns: no difference"
