# tools/: the CLI (ctl), the collector, benchmarks. They use agent/ up to level 2.
CTL_ALL_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tools/ctl/*.c))
CTL_OBJS := $(filter-out $(B)/tools/ctl/main.o,$(CTL_ALL_OBJS))
COLLECTOR_ALL_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tools/collector/*.c tools/collector/*/*.c))
# Everything but main, so that tests can link the collector's parts.
COLLECTOR_OBJS := $(filter-out $(B)/tools/collector/main.o,$(COLLECTOR_ALL_OBJS))
COLLECTOR_LIBS := -lsqlite3 -lpq -ldeflate -lpthread

$(CTL_ALL_OBJS) $(COLLECTOR_ALL_OBJS): PF_CFLAGS += -Itools
$(COLLECTOR_ALL_OBJS): PF_CFLAGS += -I$(shell $(PKG_CONFIG) --variable=includedir libpq 2>/dev/null)

$(B)/libpodfit-ctl.a: $(CTL_OBJS)
$(B)/podfit: $(B)/tools/ctl/main.o $(B)/libpodfit-ctl.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ -lncursesw -ltinfo $(LIBS)
ifneq ($(wildcard tools/ctl/main.c),)
PROGRAMS += $(B)/podfit
endif

$(B)/libpodfit-collector.a: $(COLLECTOR_OBJS)
$(B)/podfit-collector: $(B)/tools/collector/main.o $(B)/libpodfit-collector.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(COLLECTOR_LIBS) $(LIBS)
ifneq ($(wildcard tools/collector/main.c),)
PROGRAMS += $(B)/podfit-collector
endif

# More fragments, one a concern (bench, fuzz of a tool, ...): tools/*/*.mk
include $(wildcard tools/*/*.mk)

.PHONY: lint
lint: ## clang-format, cppcheck, layers, banned calls, shellcheck
	$(Q)tools/lint.sh
