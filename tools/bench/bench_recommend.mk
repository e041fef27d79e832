# The recommender: ns per sample, per percentile, per recommendation, beside what VPA's own code took.
BENCHES += bench-recommend
$(B)/bench-recommend: $(B)/tools/bench/recommend.o $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: bench-recommend
bench-recommend: $(B)/bench-recommend ## the recommender beside the figures of VPA's own code
	$(Q)$<
