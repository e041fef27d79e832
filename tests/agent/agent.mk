# tests/agent/: the whole agent on a fake cgroup tree, without root: reports, state, metrics, OTLP.
TEST_UNIT += tests/agent/run.sh
tests/agent/run.sh: $(PROGRAMS)
