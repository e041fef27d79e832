# VM matrix: the kernel tests on Debian's kernels under qemu. KERNELS chooses; what is fetched stays in build/kernels.
KERNELS ?= 6.1 6.12 7.2

.PHONY: vmtest
vmtest: $(B)/kernel-test ## kernel tests on other kernels in VMs (KERNELS="6.1 6.12 7.2")
	$(Q)tools/deps.sh vm
	$(Q)B=$(B) tests/run.sh $(foreach k,$(KERNELS),"tests/vm/boot.sh $(k) $(B)/kernel-test")
