#!/usr/bin/env bash
# Starts the cluster as `make run` does, on free ports and a fresh folder, and runs a script against it: journey.sh SCRIPT
set -euo pipefail
script=${1:?usage: journey.sh SCRIPT}
cargo build --release --locked --bin chatapp
folder=$(mktemp -d)
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
public=127.0.0.1:$(free_port) operator=127.0.0.1:$(free_port)
target/release/chatapp all --public-address "$public" --operator-address "$operator" --data-directory "$folder" \
  >"$folder.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT
ready() { python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "http://$operator/healthz/ready" 2>/dev/null; }
until ready; do
  kill -0 "$server" 2>/dev/null || { cat "$folder.log"; echo "the cluster did not start"; exit 1; }
  sleep 0.1
done
target/python/bin/python "$script" "http://$public"
kill -TERM "$server"
wait "$server" || { tail -20 "$folder.log"; echo "the cluster did not end well"; exit 1; }
trap 'rm -rf "$folder" "$folder.log"' EXIT
