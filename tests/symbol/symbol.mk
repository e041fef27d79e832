# tests/symbol: names of functions in compiled programs (g++ and binutils make them when the test runs).
SYMBOL_TEST_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/symbol/*.c))
$(SYMBOL_TEST_OBJS): PF_CFLAGS += -Itests

$(B)/symbol-test: $(SYMBOL_TEST_OBJS) $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_UNIT += tests/symbol/symbol.sh
tests/symbol/symbol.sh: $(B)/symbol-test
