# tests/leak: leak detection on labelled series. TRACES_DIR: a folder of recorded traces with its own labels.csv and,
# if there, folders synthetic-leaks and injected-leaks; `make bench-leak` prints the scores on all of them.
LEAK_EVAL_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/leak/*.c))
$(LEAK_EVAL_OBJS): PF_CFLAGS += -Itests -Itools

$(B)/leak-eval: $(LEAK_EVAL_OBJS) $(B)/libpodfit-ctl.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_UNIT += $(B)/leak-eval tests/leak/golden.sh

TRACES_DIR ?= ../shared/traces
BENCHES += bench-leak
.PHONY: bench-leak
bench-leak: $(B)/leak-eval
	$(Q)$< --cost
	$(Q)$< --generated 10 9001
	$(Q)if [ -f '$(TRACES_DIR)/labels.csv' ]; then \
		$< $(wildcard $(TRACES_DIR) $(TRACES_DIR)/synthetic-leaks $(TRACES_DIR)/injected-leaks); \
	else echo 'no traces in $(TRACES_DIR): set TRACES_DIR to score recorded series too'; fi
