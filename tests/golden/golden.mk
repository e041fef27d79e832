# tests/golden: the real VPA's answers, to the bit. GOLDEN_DIR=DIR runs any directory of such files.
GOLDEN_DIR ?= tests/golden/vpa
GOLDEN_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/golden/*.c))
$(GOLDEN_OBJS): PF_CFLAGS += -Itests

# The program runs the vectors in the tree when it is given no directory: so test-unit can start it.
$(B)/test-golden: $(GOLDEN_OBJS) $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_UNIT += $(B)/test-golden

.PHONY: test-golden
test-golden: $(B)/test-golden ## VPA vectors of GOLDEN_DIR (default: those in the tree)
	$(Q)$< $(GOLDEN_DIR)
