# The back-test: podfit's frontier of slack and risk beside VPA and KRR, on recorded series that are not in this tree.
$(B)/tools/bench/backtest.o: PF_CFLAGS += -Itools
$(B)/bench-backtest: $(B)/tools/bench/backtest.o $(B)/libpodfit-ctl.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

BENCHES += bench-backtest
.PHONY: bench-backtest
bench-backtest: $(B)/bench-backtest ## sizing of recorded usage beside VPA and KRR (TRACES=DIR of series .csv.gz)
	$(Q)set -- $(wildcard $(TRACES)/*.csv.gz); \
	if [ -z "$(TRACES)" ] || [ $$# = 0 ]; then \
		echo "bench-backtest: skipped: TRACES=DIR names a folder of series_id,unix_seconds,cpu_cores,memory_bytes files"; \
	else $< "$$@"; fi
