# bpf/: the in-kernel side. Each .bpf.c is one concern; they are linked to one object and one skeleton.
BPF_SRCS := $(wildcard bpf/*.bpf.c)
BPF_OBJS := $(BPF_SRCS:bpf/%.bpf.c=build/bpf/%.bpf.o)
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
# -mcpu=v3: clang 14's default crashes on a returned atomic; v3 loads from 5.10 on (KERNEL notes in README).
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers \
	-D__TARGET_ARCH_$(BPF_ARCH) -Ibpf -MMD -MP $(if $(W),-Werror)
ifneq ($(BPF_SRCS),)
BPF_SKEL := $(GEN)/podfit.skel.h
GEN_HEADERS += $(BPF_SKEL)
endif

# Tests and benchmarks have programs of their own: NAME.bpf.c becomes $(GEN)/NAME.skel.h.
vpath %.bpf.c bpf tests/kernel tools/bench/capture
build/bpf/%.bpf.o: %.bpf.c build/bpf/flags
	$(call say,BPF,$<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

build/bpf/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CLANG) $(BPF_CFLAGS)' | cmp -s - $@ || echo '$(CLANG) $(BPF_CFLAGS)' >$@

# slots.bpf.o first: it defines the maps the others declare, and bpftool 7.1 needs to see a map before its users.
BPF_LINK_ORDER := $(filter %/slots.bpf.o,$(BPF_OBJS)) $(filter-out %/slots.bpf.o,$(BPF_OBJS))

build/bpf/podfit.bpf.o: $(BPF_OBJS)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $(BPF_LINK_ORDER)

$(GEN)/%.skel.h: build/bpf/%.bpf.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

.SECONDARY: build/bpf/audit.bpf.o build/bpf/empty.bpf.o
-include $(wildcard build/bpf/*.d)
