# Ground truth on a real kernel: one static program, run here as root (check-kernel) and in the VMs (vmtest).
KERNEL_TEST_OBJS := $(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(wildcard tests/kernel/*.c)))
$(KERNEL_TEST_OBJS): PF_CFLAGS += -Itests
$(KERNEL_TEST_OBJS): | $(GEN)/audit.skel.h

# Static, so that it needs nothing in a VM; the sanitizers cannot be linked so.
$(B)/kernel-test: $(KERNEL_TEST_OBJS) $(B)/libpodfit-agent.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) $(if $(SAN),,-static) -o $@ $^ -lbpf -lelf -lcap -lz -lm
