#!/usr/bin/env bash
# Starts six local Redis processes and the cluster over them, a process a role: `make run-cluster`. Ctrl-C, or SIGTERM, ends all of it.
#
# Clients connect at http://127.0.0.1:8080, operators look at http://127.0.0.1:8081. Each role's log is in the data folder.
# DATA_DIRECTORY (./data/cluster) keeps what there is; REDIS_SERVER names another server program, as valkey-server;
# CHAT_SHARDS (3) and PRESENCE_SHARDS (2) say how many there are; PUBLIC_PORT (8080) and OPERATOR_PORT (8081) move the ports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${DATA_DIRECTORY:-data/cluster}
server=${REDIS_SERVER:-redis-server}
public=${PUBLIC_PORT:-8080}
operators=${OPERATOR_PORT:-8081}
command -v "$server" >/dev/null || { echo "$server is missing: install it (Debian: apt install redis-server)"; exit 1; }
cargo build --release --locked -p redis-lab -p chatapp

redis=
roles=()
finish() {
  trap - EXIT INT TERM
  # The api first, so that nobody new comes; the roles end before their store does.
  for role in "${roles[@]}"; do kill -TERM "$role" 2>/dev/null || true; done
  for role in "${roles[@]}"; do wait "$role" || true; done
  [ -z "$redis" ] || { kill -TERM "$redis" 2>/dev/null || true; wait "$redis" || true; }
}
trap finish EXIT
trap 'exit 0' INT TERM

mkdir -p "$folder"
rm -f "$folder/urls"
# Out of the terminal's reach: Ctrl-C is for this script, which ends the rest in order.
setsid target/release/redis-lab --folder "$folder" --server "$server" >/dev/null &
redis=$!
until [ -s "$folder/urls" ]; do
  kill -0 "$redis" 2>/dev/null || { wait "$redis" || exit $?; }
  sleep 0.1
done
export CHATAPP_REDIS_URLS="[\"$(sed 's/,/","/g' "$folder/urls" | tr -d '\n')\"]"
export CHATAPP_REGISTRY_URL="http://127.0.0.1:$((operators + 1))"

# role NAME LOG [FLAG...]
role() {
  local name=$1 log=$2
  shift 2
  setsid target/release/chatapp "$name" "$@" >"$folder/$log.log" 2>&1 &
  roles+=($!)
}

port=$((operators + 10))
shards=()
shard() {
  role "$1" "$2" --shard-name "$2" --public-address "127.0.0.1:$port" --operator-address "127.0.0.1:$((port + 1))"
  shards+=("\"$2=ws://127.0.0.1:$port http://127.0.0.1:$((port + 1))\"")
  port=$((port + 2))
}
for ((number = 0; number < ${CHAT_SHARDS:-3}; number++)); do shard chat "chat-$number"; done
for ((number = 0; number < ${PRESENCE_SHARDS:-2}; number++)); do shard presence "presence-$number"; done
role registry registry --operator-address "127.0.0.1:$((operators + 1))" \
  --shards "[$(IFS=,; echo "${shards[*]}")]" --data-directory "$folder/registry"
role notification notification --operator-address "127.0.0.1:$((operators + 2))"
role api api --public-address "127.0.0.1:$public" --operator-address "127.0.0.1:$operators"

until curl --silent --fail --output /dev/null "http://127.0.0.1:$operators/healthz/ready"; do
  for process in "${roles[@]}"; do
    kill -0 "$process" 2>/dev/null || { echo "a role ended: see $folder/*.log"; tail -n 3 "$folder"/*.log; exit 1; }
  done
  sleep 0.2
done
echo "ready: http://127.0.0.1:$public, operators at http://127.0.0.1:$operators, logs in $folder"
wait -n "$redis" "${roles[@]}" || true
echo "a process ended: see $folder/*.log"
exit 1
