# Everything runs in an environment of its own, .venv, made from whatever python3 there is (or PYTHON=…).
PYTHON ?= python3
BIN := .venv/bin
# Many tests wait for a server: with two at a time on each core, no core waits. Measuring branches keeps the cores busy.
JOBS ?= $(if $(CI),auto,$(shell $(PYTHON) -c 'import os; print(2 * os.cpu_count())'))

.DEFAULT_GOAL := help
.PHONY: help demo test test-ci lint matrix matrix-lowest newest mutation bench screenshots pictures messages docs docs-build release clean

help:
	@echo "make demo          the example site, the sandbox processor and the operator's page, on this machine"
	@echo "make test          every check and the tests"
	@echo "make test-ci       the tests that are too slow for make test; CI runs them too"
	@echo "make lint          the checks alone"
	@echo "make matrix        the tests on every supported Python and Django that this machine has"
	@echo "make matrix-lowest the tests of make test on the lowest of each alone"
	@echo "make newest        the tests with the newest releases and pre-releases of everything"
	@echo "make mutation      mutation testing of classification, redaction, retry and breaker"
	@echo "make bench         upstream calls, latencies and outages, measured"
	@echo "make screenshots   every page in every language and width, in the folder screenshots/"
	@echo "make pictures      the pictures of the documentation, in docs/pictures/"
	@echo "make docs          the documentation as a site, on this machine"
	@echo "make docs-build    build that site; a broken link is an error"
	@echo "make release       build, check and try the distribution, and tag it on this machine (RELEASING.md)"
	@echo "make messages      collect and compile the catalogs (needs gettext)"

.venv/installed: pyproject.toml
	@echo "Installing everything that the checks and tests need into .venv. This takes a minute or two, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

# Much less, for somebody who only wants to look.
.venv/demo-installed: pyproject.toml
	@echo "Installing Django and the few packages that the demo needs into .venv. This takes half a minute, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --editable ".[demo]"
	@touch $@

demo: $(or $(wildcard .venv/installed),.venv/demo-installed)
	@echo "Starting the demo..."
	@$(BIN)/python example_project/demo/run.py

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --check --quiet
	$(BIN)/djlint templates --lint --quiet

# In CI, the tests must reach every branch of the package. Measuring that takes as long as the tests themselves.
test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not ci_only" $(if $(CI),--cov)

# CONTRIBUTING.md names them. The coverage of make test does not need them.
test-ci: .venv/installed .venv/docs-installed
	$(BIN)/python -m pytest -n auto --dist loadfile -m ci_only

# nox starts uv, pytest and others by name.
matrix: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox

# The lowest end of the matrix, without the slow tests. On the newest Python, make test in a new .venv is the other end.
matrix-lowest: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox -t lowest -- -m "not browser and not ci_only"

# Part of no gate: it fails where a dependency has changed, and says so.
newest: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox -s newest

mutation: .venv/installed
	$(BIN)/mutmut run
	$(BIN)/mutmut export-cicd-stats
	$(BIN)/python -c "import json; n = json.load(open('mutants/mutmut-cicd-stats.json')); \
		print('score: %.1f %% of %d mutants noticed' % (100 * n['killed'] / n['total'], n['total']))"

bench: .venv/installed
	$(BIN)/python -m bench

screenshots: .venv/installed
	$(BIN)/python -m tests.browser.screenshots screenshots

# They are committed: take them again after a change of the pages that they show.
pictures: .venv/installed
	$(BIN)/python -m tests.docs.pictures

# No source asks for the Tagalog months, so gettext marks them obsolete (#~): they are kept, and what else is obsolete goes.
messages: .venv/installed
	$(BIN)/django-admin makemessages --all --no-wrap --add-location file --ignore enrollment_errors/locale \
		--ignore '.venv/*' --ignore 'example_project/*' --ignore 'tests/*' --ignore 'docs/*'
	sed -i.bak '/^# Django has no Tagalog/,/^$$/s/^#~ //' locale/tl/LC_MESSAGES/django.po
	rm locale/tl/LC_MESSAGES/django.po.bak
	for catalog in locale/*/LC_MESSAGES/django.po; do \
		msgattrib --no-obsolete --no-wrap --output-file "$$catalog" "$$catalog" || exit 1; \
		sed -i.bak '/^"POT-Creation-Date:/d' "$$catalog" && rm "$$catalog.bak" || exit 1; done
	$(BIN)/django-admin compilemessages --ignore '.venv/*' --ignore 'example_project/*' --ignore 'enrollment_errors/*'

# Apart from the rest: of the tests, only those of make test-ci need it.
.venv/docs-installed: pyproject.toml
	@echo "Installing what builds the documentation into .venv. This takes half a minute, once."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@

docs: .venv/docs-installed
	$(BIN)/mkdocs serve

docs-build: .venv/docs-installed
	$(BIN)/mkdocs build --strict --quiet

# Publishes nothing: RELEASING.md says how.
release: .venv/installed
	@git diff --quiet HEAD || { echo "Commit your changes first: the release must be what is tagged."; exit 1; }
	rm -rf dist build/release
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv build/release
	build/release/bin/python -m pip install --quiet dist/*.whl
	cd build/release && bin/python -W error ../../tests/packaging/render_every_page.py > pages.json
	version=$$($(BIN)/hatchling version) && git tag --annotate "v$$version" --message "Release $$version" && echo "Tagged v$$version."

clean:
	rm -rf .venv .nox mutants build dist screenshots
