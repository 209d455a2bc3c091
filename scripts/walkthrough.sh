#!/usr/bin/env bash
# Runs the README's walk-through against a running server, and fails where an answer lacks what the README promises:
# walkthrough.sh [HOST:PORT], 127.0.0.1:8080 without one. Needs curl and npx.
#
# The commands are the README's own: the `sh` blocks of its section "A walk-through". A line `#=> text` in a block says
# what the answer of that block must contain.
set -uo pipefail
readme="$(dirname "${BASH_SOURCE[0]}")/../README.md"
export SERVER=${1:-127.0.0.1:8080}
for tool in curl npx; do
  command -v "$tool" >/dev/null || { echo "$tool is missing"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A socket client that reads from a terminal ends when its input does.
mkfifo "$work/input"
exec 3<>"$work/input"

awk -v folder="$work" '
  /^## / { inside = ($0 == "## A walk-through") }
  inside && /^```sh$/ { file = sprintf("%s/%02d.sh", folder, ++count); next }
  /^```$/ { file = "" }
  file { print > file }
' "$readme"

failed=0 checked=0
for block in "$work"/*.sh; do
  [ -e "$block" ] || { echo "$readme has no walk-through"; exit 1; }
  echo "--- $(grep -v '^#=>' "$block" | head -1)"
  # In this shell, since later blocks use what earlier ones have set.
  # shellcheck source=/dev/null
  source "$block" >"$work/answer" 2>&1 <&3
  while IFS= read -r expected; do
    checked=$((checked + 1))
    if grep -qF -- "$expected" "$work/answer"; then
      echo "ok   $expected"
    else
      failed=$((failed + 1))
      echo "FAIL $expected"
      sed 's/^/     /' "$work/answer"
    fi
  done < <(sed -n 's/^#=> //p' "$block")
done
echo "$((checked - failed)) as written, $failed not"
[ "$checked" -gt 0 ] && [ "$failed" -eq 0 ]
