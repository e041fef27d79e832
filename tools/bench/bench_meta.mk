# The metadata path with 250 pods: CPU and memory from a list's JSON to names.
BENCHES += bench-meta
$(B)/bench-meta: $(B)/tools/bench/bench_meta.o $(B)/libpodfit-agent.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS) $(LIBS)

.PHONY: bench-meta
bench-meta: $(B)/bench-meta
	$(Q)$(B)/bench-meta tests/fixtures/k8s/v2-systemd/api-pods.json
