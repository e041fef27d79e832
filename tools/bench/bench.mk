# Benchmarks: each prints its figures beside the floor or the peer measured in the same run. Other fragments,
# tools/bench/bench_<x>.mk, append their targets to BENCHES.
BENCHES += bench-switch bench-sampler bench-snapshot bench-growth bench-agent
BENCH_CAPTURE_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tools/bench/capture/*.c) tests/kernel/cg.c tests/kernel/kt_util.c)
$(BENCH_CAPTURE_OBJS): PF_CFLAGS += -Itests -Itools/bench
$(BENCH_CAPTURE_OBJS) generated: | $(GEN)/empty.skel.h

$(B)/bench-capture: $(filter-out %.bpf.o,$(BENCH_CAPTURE_OBJS)) $(B)/libpodfit-agent.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lcap -lz -lm

.PHONY: bench bench-switch bench-sampler bench-snapshot bench-growth bench-agent
bench: ## cost of hooks, sampler, snapshot, agent and more, beside their peers (root)
	$(Q)tools/deps.sh build bench
	$(Q)set -e; for bench in $(BENCHES); do $(MAKE) --no-print-directory -j1 $$bench; done

bench-switch: $(B)/bench-capture
	$(Q)$< switch
bench-sampler: $(B)/bench-capture
	$(Q)$< sampler
bench-snapshot: $(B)/bench-capture
	$(Q)$< snapshot
bench-growth: $(B)/bench-capture
	$(Q)$< growth
bench-agent: $(B)/bench-capture $(PROGRAMS)
	$(Q)$< agent $(B)/podfit-agent
