# tests/fuzz/: a target per parser, NAME_fuzz.c with its seeds in corpus/NAME/. `make test-unit` replays the seeds;
# `make fuzz T=NAME S=SECONDS` fuzzes with clang's libFuzzer and keeps what it finds in build/fuzz/NAME/.
FUZZ_NAMES := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$(B)/fuzz/%-replay)
$(patsubst %.c,$(B)/%.o,$(wildcard tests/fuzz/*.c)): PF_CFLAGS += -Itests -Itools

FUZZ_LIBS = $(B)/libpodfit-agent.a $(if $(COLLECTOR_OBJS),$(B)/libpodfit-collector.a) \
	$(if $(CTL_OBJS),$(B)/libpodfit-ctl.a) $(B)/libpodfit.a
$(B)/fuzz/%-replay: $(B)/tests/fuzz/%_fuzz.o $(B)/tests/fuzz/replay_main.o $(FUZZ_LIBS)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(AGENT_LIBS) \
		$(if $(COLLECTOR_OBJS),$(COLLECTOR_LIBS)) $(LIBS)

# What a target needs beyond the libraries.
$(B)/fuzz/http-replay $(B)/fuzz/http-fuzz: $(FLEET_SIM_OBJS) $(B)/tests/unit/xml_check.o

TEST_UNIT += tests/fuzz/replay.sh
tests/fuzz/replay.sh: $(FUZZ_REPLAYS)

# The fuzzer instruments what it runs, so the sources are compiled again with clang, into a folder of its own.
S ?= 60
.PHONY: fuzz
fuzz: ## fuzz one parser: T=NAME S=SECONDS (clang)
	@test -n "$(T)" -a -f "tests/fuzz/$(T)_fuzz.c" || \
		{ echo "make fuzz T=NAME S=SECONDS, NAME one of: $(FUZZ_NAMES)"; exit 2; }
	@mkdir -p build/fuzz/$(T)
	$(Q)$(MAKE) --no-print-directory CC=$(CLANG) B=build/fuzz/obj FUZZ=1 build/fuzz/obj/fuzz/$(T)-fuzz
	$(Q)build/fuzz/obj/fuzz/$(T)-fuzz -max_total_time=$(S) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/$(T)/ build/fuzz/$(T) tests/fuzz/corpus/$(T)

ifneq ($(FUZZ),)
PF_CFLAGS += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
$(B)/fuzz/%-fuzz: $(B)/tests/fuzz/%_fuzz.o $(FUZZ_LIBS)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) $(filter %.a,$^) $(AGENT_LIBS) \
		$(if $(COLLECTOR_OBJS),$(COLLECTOR_LIBS)) $(LIBS)
endif
