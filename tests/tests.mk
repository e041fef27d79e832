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
