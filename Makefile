# Everything a person or CI does here. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint develop kafka grafana-schema pictures report-pictures bench-ingest bench-replay evaluate evaluate-openstack evaluate-detectors evaluate-attribution lock clean

VENV := .venv
BIN := $(VENV)/bin
CACHE := .cache
STAMPS := $(CACHE)/stamps
LOGS := $(CACHE)/logs
comma := ,
UV_VERSION := 0.13.9
MAVEN_COPY := org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies

SOURCES := $(shell find streams detectors dashboards -name '*.py' -o -name '*.json' -o -name '*.yaml' \
  -o -name '*.yml' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name 'py.typed')
CHECKED := streams detectors dashboards tests $(if $(wildcard benchmarks/*.py),benchmarks)

# $(call step,name,what it does,command): one line to read; the command's noise only when it fails.
define step
@mkdir -p $(STAMPS) $(LOGS)
@echo "==> $(2)"
@set +e; ( set -e; $(3) ) >$(LOGS)/$(1).log 2>&1; status=$$?; test $$status = 0 || { \
  cat $(LOGS)/$(1).log >&2; echo "make: failed: $(2)" >&2; exit $$status; }
endef

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMPS)/wheel ## Watch the main job happen: embedded broker, simulated fleet, monitor (needs Python only)
	@echo "==> Running opwatch demo"
	@$(BIN)/opwatch demo

test: $(STAMPS)/wheel $(STAMPS)/kafka $(STAMPS)/servers $(STAMPS)/compose $(STAMPS)/grafana-schema $(STAMPS)/rendering lint ## Check everything and run all tests against the installed package
	@echo "==> Running the tests on the installed package, with Apache Kafka, Prometheus, Alertmanager and Chromium"
	@mkdir -p $(CACHE)/coverage
	@$(BIN)/pytest -n auto --dist loadfile --cov --cov-report=term-missing --cov-fail-under=90

lint: $(STAMPS)/dev ## Rules, format, types and who may import whom
	@echo "==> Checking the rules of the code (ruff)"
	@$(BIN)/ruff check --quiet $(CHECKED)
	@echo "==> Checking the format (ruff)"
	@$(BIN)/ruff format --quiet --check $(CHECKED)
	@echo "==> Checking the types (mypy)"
	@$(BIN)/mypy $(CHECKED)
	@echo "==> Checking who imports whom (import-linter)"
	@PYTHONPATH=. $(BIN)/lint-imports --no-cache

develop: $(STAMPS)/dev ## Install editable instead, for working on it
	@rm -f $(STAMPS)/wheel
	$(call step,develop,Installing opwatch editable,\
	  $(BIN)/pip install --no-deps --no-build-isolation --force-reinstall --editable .)

kafka: $(STAMPS)/kafka ## Fetch Apache Kafka for tests and benchmarks

grafana-schema: $(STAMPS)/grafana-schema ## Fetch Grafana's own types of dashboards, for the tests

pictures: $(STAMPS)/wheel $(STAMPS)/dev $(STAMPS)/servers $(STAMPS)/rendering ## Draw the dashboards from a replayed incident into docs/pictures/
	@echo "==> Replaying the founding incident and drawing its dashboards"
	@mkdir -p docs/pictures
	@PYTHONPATH=tests $(BIN)/python tests/draw_pictures.py docs/pictures

report-pictures: $(STAMPS)/wheel $(STAMPS)/dev $(STAMPS)/servers ## Take pictures of the founding incident's report into docs/pictures/
	@echo "==> Replaying the founding incident and taking pictures of its report"
	@mkdir -p docs/pictures $(CACHE)/report
	@$(BIN)/opwatch simulate founding-incident --volume 0.25 --out $(CACHE)/report/events >/dev/null
	@$(BIN)/opwatch replay --outcomes $(CACHE)/report/events/outcomes.jsonl.zst \
	  --releases $(CACHE)/report/events/releases.jsonl --out $(CACHE)/report/result >/dev/null
	@$(BIN)/python docs/figures/report.py $(CACHE)/report/result/report.html docs/pictures

bench-ingest: $(STAMPS)/wheel $(STAMPS)/dev $(STAMPS)/kafka ## Events per second of ingest against its peers, on one core
	@echo "==> Measuring ingest on Apache Kafka"
	@PYTHONPATH=tests $(BIN)/python benchmarks/ingest.py

bench-replay: $(STAMPS)/wheel $(STAMPS)/dev ## Times real time of a replay from windows, on one core, and events per second
	@echo "==> Measuring a replay of a day of 2,000 series"
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/replay.py

evaluate: $(STAMPS)/wheel $(STAMPS)/dev $(STAMPS)/kafka ## Score the real data set: make evaluate DATA=folder
	@test -n "$(DATA)" || { echo "make: say where the data is: make evaluate DATA=folder" >&2; exit 2; }
	@echo "==> Scoring the real events in $(DATA)"
	@PYTHONPATH=tests $(BIN)/python tests/evaluate_real.py "$(DATA)"

evaluate-openstack: $(STAMPS)/wheel $(STAMPS)/dev ## Score recorded faults of a real OpenStack into docs/: make evaluate-openstack DATA=folder
	@test -n "$(DATA)" || { echo "make: say where the data is: make evaluate-openstack DATA=folder" >&2; exit 2; }
	@echo "==> Scoring the recorded faults in $(DATA)"
	@$(BIN)/python -m benchmarks.openstack_faults "$(DATA)" --page docs/openstack-faults.md

evaluate-detectors: $(STAMPS)/wheel $(STAMPS)/dev ## Measure the detectors on simulated streams into docs/ (36 minutes on two busy cores)
	@echo "==> Measuring the detectors"
	@$(BIN)/opwatch evaluate --json docs/detectors.json --plot docs/detectors.svg \
	  --table docs/detectors.md >/dev/null

evaluate-attribution: $(STAMPS)/wheel $(STAMPS)/dev ## Measure ranking and localisation on simulated incidents into docs/
	@echo "==> Measuring attribution"
	@$(BIN)/opwatch evaluate attribution --json docs/attribution.json --plot docs/attribution.svg \
	  --table docs/attribution.md >/dev/null

lock: ## Resolve the dependencies anew and write requirements/
	$(call step,lock,Resolving the dependencies,\
	  test -x $(CACHE)/lock/bin/uv || { python3 -m venv $(CACHE)/lock \
	    && $(CACHE)/lock/bin/pip install uv==$(UV_VERSION); }; \
	  resolve="$(CACHE)/lock/bin/uv pip compile --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header"; \
	  $$resolve pyproject.toml -o requirements/runtime.txt; \
	  $$resolve --group pyproject.toml:build -o requirements/build.txt; \
	  $$resolve pyproject.toml --group dev -c requirements/runtime.txt -c requirements/build.txt \
	    -o requirements/dev.txt; \
	  if grep -n '://' requirements/*.txt; then echo 'an address in a lock file'; exit 1; fi)

clean: ## Remove everything that was made
	rm -rf $(VENV) $(CACHE) .hypothesis .benchmarks build dist

# What the targets stand on. Each stamp is as new as what it was made from.

$(STAMPS)/venv:
	@mkdir -p $(STAMPS) $(LOGS)
	@echo "==> Creating the Python environment in $(VENV)"
	@rm -rf $(VENV)
	@for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -m venv $(VENV); touch $@; exit 0; fi; done; \
	echo "make: needs Python 3.11 or newer with venv on PATH (Debian: apt-get install python3-venv)" >&2; exit 2

$(STAMPS)/runtime: $(STAMPS)/venv requirements/runtime.txt requirements/build.txt
	$(call step,runtime,Installing the locked dependencies,\
	  $(BIN)/pip install --require-hashes -r requirements/runtime.txt -r requirements/build.txt)
	@touch $@

$(STAMPS)/dev: $(STAMPS)/venv requirements/dev.txt
	$(call step,dev,Installing the locked tools for tests and checks,\
	  $(BIN)/pip install --require-hashes -r requirements/dev.txt)
	@touch $@

$(STAMPS)/wheel: $(STAMPS)/runtime pyproject.toml LICENSE NOTICE README.md $(SOURCES)
	$(call step,wheel,Building opwatch and installing it,\
	  rm -rf build/wheel; \
	  $(BIN)/pip wheel --no-deps --no-build-isolation --wheel-dir build/wheel .; \
	  $(BIN)/pip install --no-deps --no-index --force-reinstall build/wheel/opwatch-*.whl)
	@touch $@

$(STAMPS)/java:
	$(call step,java,Looking for Java and Maven$(comma) which Apache Kafka needs,\
	  if ! { command -v java && command -v mvn; }; then \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get; then \
	      apt-get update && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y --no-install-recommends default-jre-headless maven; \
	    else echo 'install Java 17 or newer and Maven first; the tests start Apache Kafka'; exit 2; fi; fi)
	@touch $@

$(STAMPS)/servers:
	$(call step,servers,Looking for Prometheus$(comma) Alertmanager and Chromium$(comma) which the tests start,\
	  if ! { command -v prometheus && command -v promtool && command -v prometheus-alertmanager \
	      && command -v amtool && command -v chromium; }; then \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get; then \
	      apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
	        prometheus prometheus-alertmanager chromium fonts-dejavu-core; \
	    else echo 'install Prometheus$(comma) Alertmanager (with promtool and amtool) and Chromium first'; exit 2; fi; fi)
	@touch $@

$(STAMPS)/node:
	$(call step,node,Looking for Node.js and npm$(comma) which read Grafana's own types,\
	  if ! { command -v node && command -v npm; }; then \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get; then \
	      apt-get update && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y --no-install-recommends nodejs npm; \
	    else echo 'install Node.js 20 or newer and npm first; the tests read types of Grafana with them'; exit 2; fi; fi; \
	  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' \
	    || { echo "Node.js 20 or newer is needed; this is $$(node --version)"; exit 2; })
	@touch $@

$(STAMPS)/grafana-schema: $(STAMPS)/node $(wildcard tests/grafana_schema/*)
	$(call step,grafana-schema,Fetching Grafana's own types of dashboards,\
	  rm -rf $(CACHE)/grafana_schema; mkdir -p $(CACHE)/grafana_schema; \
	  cp tests/grafana_schema/* $(CACHE)/grafana_schema; \
	  npm ci --prefix $(CACHE)/grafana_schema --no-audit --no-fund --ignore-scripts)
	@touch $@

$(STAMPS)/compose: tests/servers/compose/go.mod tests/servers/compose/go.sum
	$(call step,compose,Looking for Docker Compose$(comma) which judges compose/,\
	  if ! docker compose version; then \
	    if command -v go; then \
	      cd tests/servers/compose; \
	      go build -o "$(CURDIR)/$(CACHE)/compose/docker-compose" github.com/docker/compose/v2/cmd; \
	    else echo 'install Docker Compose first$(comma) or Go 1.25 to build it with; the tests ask it about compose/'; exit 2; fi; fi)
	@touch $@

RENDERING := $(CACHE)/rendering

$(STAMPS)/rendering-packages: $(STAMPS)/node tests/rendering/package.json tests/rendering/package-lock.json
	$(call step,rendering-packages,Fetching Grafana's front end$(comma) which draws the dashboards,\
	  mkdir -p $(RENDERING); cp tests/rendering/package*.json $(RENDERING); \
	  npm ci --prefix $(RENDERING) --no-audit --no-fund --ignore-scripts)
	@touch $@

$(STAMPS)/rendering: $(STAMPS)/rendering-packages $(shell find tests/rendering -type f)
	$(call step,rendering,Bundling Grafana's front end,\
	  rm -rf $(RENDERING)/src $(RENDERING)/server; cp -R tests/rendering/. $(RENDERING); \
	  npm run --prefix $(RENDERING) test; npm run --prefix $(RENDERING) build)
	@touch $@

$(STAMPS)/kafka: $(STAMPS)/java tests/servers/kafka/pom.xml
	$(call step,kafka,Fetching Apache Kafka with Maven,\
	  rm -rf $(CACHE)/kafka/lib; \
	  mvn -q -B -ntp -f tests/servers/kafka/pom.xml $(MAVEN_COPY) -DincludeScope=runtime \
	    -DoutputDirectory="$(CURDIR)/$(CACHE)/kafka/lib")
	@touch $@
