# The limit curve against a real kernel: predict, then set the limit and look.
BENCHES += bench-limit-curve
$(B)/bench-limit-curve: $(B)/tools/bench/limit_curve.o $(B)/libpodfit-agent.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ -lpthread $(AGENT_LIBS) $(LIBS)

.PHONY: bench-limit-curve
bench-limit-curve: $(B)/bench-limit-curve ## the limit curve's predictions against real quotas (root, 9 min)
	$(Q)$<
