# tests/cli: what the programs print and how they end, word for word. tests/cli/run.sh --update rewrites what is expected.
$(B)/tests/cli/sample.o: PF_CFLAGS += -Itests

$(B)/cli-sample: $(B)/tests/cli/sample.o $(B)/tests/unit/report_sample.o $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_UNIT += tests/cli/run.sh
tests/cli/run.sh: $(B)/cli-sample
