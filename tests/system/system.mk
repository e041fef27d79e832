# What system tests run besides the programs that are installed.
check-system test-all: $(B)/podfit-demo
