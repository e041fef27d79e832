// SPDX-License-Identifier: Apache-2.0
/* Recorded series: damaged files end with a reason, whole ones can be replayed and scored. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/backtest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct pf_series *series)
{
	struct pf_bt_advices advices = { 0 };
	struct pf_bt_score score;
	struct pf_rules rules;

	(void)arg;
	for (size_t i = 1; i < series->nr_rows; i++)
		assert(series->rows[i].unix_s >= series->rows[i - 1].unix_s);
	pf_rules_default(&rules);
	if (series->nr_rows < 2000 && series->rows[0].unix_s >= 0 &&
	    series->rows[series->nr_rows - 1].unix_s < 4e9) {
		if (pf_bt_replay_podfit(series, &rules, &advices) < 0)
			abort();
		pf_bt_score(series, &advices, false, &score);
		assert(!score.scored || (score.slack >= 0 && score.slack <= 1 && score.above >= 0 &&
					 score.above <= 1));
		free(advices.items);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], error[256] = "";
	int fd = memfd_create("series.csv", 0), r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = pf_series_read(path, take, NULL, error, sizeof(error));
	assert((r < 0) == (error[0] != '\0'));
	close(fd);
	return 0;
}
