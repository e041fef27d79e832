# tests/page: the sample pages as files, for tests/system/page.sh and for looking at them.
PAGE_OBJS := $(B)/tests/page/main.o $(B)/tests/unit/page_sample.o $(B)/tests/unit/page_sample_node.o \
	$(B)/tests/unit/report_sample.o
$(B)/tests/page/main.o: PF_CFLAGS += -Itests

$(B)/page-samples: $(PAGE_OBJS) $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
