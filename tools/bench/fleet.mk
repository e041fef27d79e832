# Simulated nodes that report to a collector; the simulator is also linked into the unit tests.
FLEET_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tools/bench/fleet/*.c))
FLEET_SIM_OBJS := $(B)/tools/bench/fleet/sim.o $(B)/tools/bench/fleet/kinds.o
$(FLEET_OBJS): PF_CFLAGS += -Itools

$(B)/fleet: $(FLEET_OBJS) $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The property tests of the collector feed it with simulated reports.
$(B)/test-unit: $(FLEET_SIM_OBJS)
check-system test-all: $(B)/fleet

# Bounded: about five minutes on a quiet machine; all of it with FLEET_NODES="100 1000 5000" (see the script).
BENCHES += bench-fleet
.PHONY: bench-fleet
bench-fleet: $(B)/fleet $(PROGRAMS) ## the collector under simulated fleets, SQLite and PostgreSQL
	$(Q)tools/deps.sh bench
	$(Q)B=$(B) tools/bench/fleet/bench.sh

# What it costs the collector to merge: an hour that is over, and the picture of what is not.
BENCHES += bench-merge
$(B)/tools/bench/merge.o: PF_CFLAGS += -Itools
$(B)/bench-merge: $(B)/tools/bench/merge.o $(FLEET_SIM_OBJS) $(B)/libpodfit-collector.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(COLLECTOR_LIBS) $(LIBS)

.PHONY: bench-merge
bench-merge: $(B)/bench-merge ## CPU to seal an hour and to make a picture, beside inflating the reports
	$(Q)$<
