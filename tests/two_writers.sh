#!/bin/sh
# Two processes count in one state file for some seconds, and nothing is lost. The tests do the same with a fixed number
# of writes; this is for longer: tests/two_writers.sh target/release/switchboard 60
set -eu
program=$1
seconds=${2:-60}
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
code='local n, from = 0, alc.time()
while alc.time() - from < ctx.seconds do
  alc.state.incr("both")
  alc.state.set(ctx.name .. n, n)
  n = n + 1
  if n % 50 == 0 then alc.state.delete(ctx.name .. (n - 25)) end
end
return n'
write() {
  "$program" run --home "$home" --code "$code" --ctx "{\"name\": \"$1\", \"seconds\": $seconds}" -o json
}
write a >"$home/a" &
write b >"$home/b"
wait
count() {
  sed 's/.*"value":\([0-9]*\).*/\1/' "$home/$1"
}
total=$(($(count a) + $(count b)))
found=$("$program" run --home "$home" --code 'return math.tointeger(alc.state.get("both"))' -o json | sed 's/.*"value":\([0-9]*\).*/\1/')
keys=$("$program" run --home "$home" --code 'return #alc.state.keys()' -o json | sed 's/.*"value":\([0-9]*\).*/\1/')
left=$(($(count a) - $(count a) / 50 + $(count b) - $(count b) / 50 + 1))
echo "$(count a) + $(count b) writes in $seconds s, $found counted; $keys of $left keys are there"
test "$total" -eq "$found" && test "$keys" -eq "$left"
