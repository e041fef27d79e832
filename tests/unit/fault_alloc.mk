# Only this program's calls go through tests/unit/fault_alloc.c.
$(B)/test-unit: private PF_LDFLAGS += $(foreach f,malloc calloc realloc strdup free,-Wl$(comma)--wrap=$(f))
