# 井田 / Jingtian. `make` or `make help` lists what can be done.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

AREA ?= qianjiang
PORT ?= 8000
PYTHON ?= python3
ARGS ?=

python := .venv/bin/python
runtime := .venv/requirements.stamp
development := .venv/requirements-dev.stamp
libraries := node_modules/.stamp
sources := $(wildcard gis layers mapserver)
catalogs := $(patsubst %.po,%.mo,$(shell find $(sources) locale -name '*.po' 2>/dev/null))
assets := $(shell find $(sources) -path '*/static/*' -type f 2>/dev/null)

.PHONY: help demo stop clean test pytest bench domain check psql manage messages setup static development venv system system-with-browser

help: ## 列出可用的命令 / this list
	@echo '井田 Jingtian'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## 启动演示 / run the demo: [AREA=qianjiang|xihu] [PORT=8000]; Ctrl-C 结束 / ends it
	@docker/demo.sh '$(AREA)' '$(PORT)'

stop: ## 停止演示 / stop the demo
	@docker/stop.sh

clean: stop ## 停止并删除数据与安装的依赖 / stop, and delete the data and what was installed here
	@for cluster in demo test bench; do docker/postgres.sh remove .local/$$cluster; done
	@rm -rf .local .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -f $(catalogs)

test: system-with-browser development setup static check domain ## 全部检查与测试 / all checks and tests
	@docker/with-postgres.sh .local/test --throwaway $(python) -m pytest -n 2 $(ARGS)

pytest: development setup static ## 只运行测试 / only tests, e.g. ARGS="tests/gis -k border -n 2"
	@docker/with-postgres.sh .local/test --throwaway $(python) -m pytest $(ARGS)

bench: system-with-browser development setup static ## 性能测试 / benchmarks
	@docker/with-postgres.sh .local/bench $(python) -m tests.bench $(ARGS)

domain: development ## 每项业务能力由哪个测试证明 / which test proves each domain id
	@docker/with-django.sh $(python) -m tests.domain_report

check: development ## 代码检查 / linters, types, direction of imports
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m djlint --lint --quiet $(sources)
	@$(python) -m mypy
	@$(python) .venv/bin/lint-imports --no-logo

psql: ## 用 psql 打开演示数据库 / psql on the demo's database
	@docker/postgres.sh status .local/demo >/dev/null || { echo '演示没有运行，请先执行 make demo。 / The demo is not running: make demo starts it.' >&2; exit 1; }
	@psql -h "$$(realpath .local/demo)/socket" -U jingtian jingtian

manage: setup ## 在演示数据库上执行 manage.py / manage.py on the demo's database: ARGS="audit_coverage"
	@docker/with-django.sh $(python) manage.py $(ARGS)

messages: setup ## 收集待翻译的文字 / collect the texts to translate
	@docker/with-django.sh $(python) manage.py makemessages -l en --add-location file -i node_modules
	@docker/with-django.sh $(python) manage.py makemessages -d djangojs -l en --add-location file -i node_modules

# Each of these is done once, and again when what it depends on changes.

setup: $(runtime) $(libraries) $(catalogs)
static: .local/static.stamp
development: $(development)

system:
	@docker/system-packages.sh
system-with-browser:
	@docker/system-packages.sh --with-browser

venv: | system
	@$(python) -c 'import pip' 2>/dev/null || { \
	    $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	        echo '需要 Python 3.11 或更高版本；若它另有名称，请写明，例如 make demo PYTHON=python3.12。' >&2; \
	        echo 'Python 3.11 or later is needed; if it has another name here, say so, for example make demo PYTHON=python3.12.' >&2; exit 1; }; \
	    docker/step.sh venv '建立 Python 环境 / making the Python environment' $(PYTHON) -m venv --clear .venv; }

$(runtime): requirements.txt | venv
	@docker/step.sh pip '安装 Python 依赖 / installing Python packages' \
	    $(python) -m pip install --disable-pip-version-check --no-input --retries 2 -r requirements.txt
	@touch $@

$(development): requirements-dev.txt requirements.txt | venv
	@docker/step.sh pip-dev '安装开发与测试用的 Python 依赖 / installing Python packages for tests' \
	    $(python) -m pip install --disable-pip-version-check --no-input --retries 2 -r requirements-dev.txt
	@touch $@

$(libraries): package-lock.json package.json .npmrc | system
	@docker/step.sh npm '安装网页依赖 / installing libraries of the pages' npm ci
	@touch $@

%.mo: %.po | system
	@msgfmt --check-format -o $@ $<

# Not cleared first: a demo that runs here still serves the files of its start, whose names bear their hashes.
.local/static.stamp: $(assets) $(libraries) $(runtime) mapserver/settings.py
	@docker/step.sh static '收集静态文件 / collecting static files' \
	    docker/with-django.sh $(python) manage.py collectstatic --noinput
	@touch $@
