# tests/: every target ends with "N passed, N failed, N skipped"; nothing run is a failure.
UNIT_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/*.c))
$(UNIT_OBJS): PF_CFLAGS += -Itests -Itools

$(B)/test-unit: $(UNIT_OBJS) $(B)/libpodfit-agent.a \
		$(if $(COLLECTOR_OBJS),$(B)/libpodfit-collector.a) \
		$(if $(CTL_OBJS),$(B)/libpodfit-ctl.a) $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ -lcunit $(AGENT_LIBS) \
		$(if $(COLLECTOR_OBJS),$(COLLECTOR_LIBS)) $(if $(CTL_OBJS),-lncursesw -ltinfo) $(LIBS)

# Fragments add to TEST_UNIT (scripts or programs run one after another by tests/run.sh); each prints the closing line.
TEST_UNIT += $(B)/test-unit
include $(wildcard tests/*/*.mk)

.PHONY: test-unit
test-unit: $(TEST_UNIT) $(PROGRAMS) ## unit, golden, simulated days, faults, cli, fuzz replay (no root)
	$(Q)B=$(B) tests/run.sh $(TEST_UNIT)

# The parts that need root. System tests are scripts of their own, each with its closing line.
ROOT := $(filter 0,$(shell id -u))
KERNEL_TESTS = $(B)/kernel-test $(if $(wildcard agent/capture/cgroupfs.c),"$(B)/kernel-test --source=cgroupfs")
SYSTEM_TESTS = $(if $(ROOT),$(shell find tests/system -maxdepth 1 -name '*.sh' -executable | sort),"tests/skip.sh system they need root and packages")

.PHONY: check-kernel check-system test test-all
check-kernel: $(B)/kernel-test ## ground truth on this kernel (root)
	$(Q)B=$(B) tests/run.sh $(KERNEL_TESTS)

check-system: $(PROGRAMS) ## end to end: containers, PostgreSQL, Prometheus, browser (root)
	$(Q)$(if $(ROOT),tools/deps.sh system)
	$(Q)B=$(B) tests/run.sh $(SYSTEM_TESTS)

# In two steps, because nothing can be built before what it needs is installed.
test: ## all tests of this machine: test-unit, check-kernel, check-system
	$(Q)tools/deps.sh build test $(if $(ROOT),system)
	$(Q)$(MAKE) --no-print-directory test-all

test-all: $(TEST_UNIT) $(PROGRAMS) $(B)/kernel-test
	$(Q)B=$(B) tests/run.sh $(TEST_UNIT) $(KERNEL_TESTS) $(SYSTEM_TESTS)

.PHONY: generated
generated: $(GEN_HEADERS) # what checkers of the source need as much as the compiler does
