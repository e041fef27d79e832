# tests/meta/: the module meta/ against a stub API server and kubelet on loopback (TLS).
META_PROBE := $(B)/meta-probe
$(META_PROBE): $(B)/tests/meta/meta_probe.o $(B)/libpodfit-agent.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS) $(LIBS)

TEST_UNIT += tests/meta/run.sh
tests/meta/run.sh: $(META_PROBE)
