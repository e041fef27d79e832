# VM matrix: the kernel tests on Debian's kernels under qemu. KERNELS chooses; what is fetched stays in build/kernels.
# Leaks run on one of them: emulated, they take two minutes a kernel.
KERNELS ?= 6.1 6.12 7.2
LEAK_KERNELS ?= $(filter 6.12,$(KERNELS))

.PHONY: vmtest
vmtest: $(B)/kernel-test $(PROGRAMS) ## kernel tests on other kernels in VMs (KERNELS="6.1 6.12 7.2")
	$(Q)tools/deps.sh vm
	$(Q)B=$(B) tests/run.sh $(foreach k,$(KERNELS),"tests/vm/boot.sh $(k) $(B)/kernel-test") \
		$(foreach k,$(LEAK_KERNELS),"tests/vm/leaks.sh $(k)")
