# tests/cli: what the programs print and how they end, word for word. tests/cli/run.sh --update rewrites what is expected.
$(B)/tests/cli/sample.o $(B)/tests/cli/apply_sample.o: PF_CFLAGS += -Itests

$(B)/cli-sample: $(B)/tests/cli/sample.o $(B)/tests/unit/report_sample.o $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_UNIT += tests/cli/run.sh
tests/cli/run.sh: $(B)/cli-sample

# What is printed to be applied, applied by kubectl where there is one.
$(B)/cli-apply-sample: $(B)/tests/cli/apply_sample.o $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_UNIT += tests/cli/apply.py
tests/cli/apply.py: $(B)/cli-apply-sample $(B)/podfit
