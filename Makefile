# podfit: one make for the whole tree. `make help` lists the targets.
#
#   make                      build everything into build/release/
#   make SAN=1 test-unit      the same with address and undefined-behaviour sanitizers (build/san/)
#   make DEBUG=1              unoptimised build (build/debug/)
#   make V=1                  show every command        make W=1   warnings are errors
#
# The caller's: CC CLANG CFLAGS LDFLAGS PREFIX DESTDIR. Each folder has its own fragment, <folder>/<folder>.mk.

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

V ?= 0
comma := ,
Q := $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' $(1) $(2))

VERSION := 0.1.0
VARIANT := $(if $(SAN),san,$(if $(DEBUG),debug,release))
B := build/$(VARIANT)
GEN := build/gen
SOURCES = $(sort $(wildcard $(foreach d,agent tools,$(d)/*/*.c $(d)/*/*/*.c)))

PREFIX ?= /usr/local
CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config

CFLAGS ?= $(if $(DEBUG),-O0,-O2) -g
PF_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DPF_VERSION='"$(VERSION)"' -Iagent -I$(GEN) -Ibpf \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Wno-missing-field-initializers -fno-common -ffp-contract=off -fno-omit-frame-pointer \
	-fstack-protector-strong -MMD -MP \
	$(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined) $(if $(W),-Werror)
PF_LDFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined)

.PHONY: all
all: ## build the agent, the CLI and the collector
include proto/proto.mk bpf/bpf.mk agent/agent.mk tools/tools.mk tests/tests.mk
all: $(PROGRAMS)

# A change of flags rebuilds what they touch. Those of single objects are left out: the stamp would change
# with the object that asks for it first.
FLAGS := $(CC) $(CFLAGS) $(PF_CFLAGS) $(LDFLAGS)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@
.PHONY: FORCE
FORCE:

# So does a source file that comes or goes: an archive would keep the object of one that is gone.
$(B)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(SOURCES)' | cmp -s - $@ || echo '$(SOURCES)' >$@

$(B)/%.o: %.c $(B)/flags | $(GEN_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PF_CFLAGS) $(CFLAGS) -c -o $@ $<

.PHONY: deps
deps: ## install the Debian packages that are missing (root; else print the command)
	$(Q)tools/deps.sh build

.PHONY: install
install: all ## install the programs under $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin

.PHONY: clean
clean: ## remove what was built (not the downloaded kernels, nor what fuzzing found)
	rm -rf build/release build/debug build/san build/gen build/bpf build/fuzz/obj

.PHONY: help
help: ## this list
	@echo "podfit $(VERSION): make targets"
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | \
		awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'

-include $(shell find $(B) -name '*.d' 2>/dev/null)
