# tests/leak: leak detection on labelled series: against bounds in test-unit, as a table in bench-leak.
LEAK_EVAL_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/leak/*.c))
$(LEAK_EVAL_OBJS): PF_CFLAGS += -Itests -Itools

$(B)/leak-eval: $(LEAK_EVAL_OBJS) $(B)/libpodfit-ctl.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_UNIT += $(B)/leak-eval tests/leak/golden.sh

BENCHES += bench-leak
.PHONY: bench-leak
bench-leak: $(B)/leak-eval ## leak detection: cost, scores on generated series and those of TRACES=DIR
	$(Q)B=$(B) TRACES='$(TRACES)' tests/leak/bench.sh
