# The demonstration behind `make run` and `make fleet`. Not installed.
DEMO_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tools/demo/*.c))
$(DEMO_OBJS): PF_CFLAGS += -Itools

$(B)/podfit-demo: $(DEMO_OBJS) $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: run
run: deps ## the demonstration: four workloads, podfit at work on them (RUN_SECONDS=60)
	$(Q)$(MAKE) --no-print-directory all $(B)/podfit-demo
	$(Q)$(B)/podfit-demo

.PHONY: fleet
fleet: deps ## the collector's page with simulated nodes and this one (RUN_NODES=30 RUN_SECONDS=3600)
	$(Q)$(MAKE) --no-print-directory all $(B)/podfit-demo $(B)/fleet
	$(Q)RUN_NODES=$${RUN_NODES:-30} RUN_SECONDS=$${RUN_SECONDS:-3600} $(B)/podfit-demo
