// SPDX-License-Identifier: Apache-2.0
/*
 * test-golden [DIR]: every *.json and *.json.gz of DIR, case by case, against podfit's VPA
 * arithmetic. A case with any difference has failed. Files of a kind that is not known are skipped,
 * and counted as such.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "golden/golden.h"

enum { SHOWN_PER_CASE = 3 };

static const struct {
	const char *kind;
	golden_fn run;
} kinds[] = {
	{ "buckets", golden_buckets },	     { "math", golden_math },
	{ "histogram", golden_histogram },   { "decaying", golden_histogram },
	{ "checkpoint", golden_checkpoint }, { "e2e", golden_e2e },
	{ "policy", golden_policy },	     { "updater", golden_updater },
};

void golden_fail(struct golden *g, const char *format, ...)
{
	va_list args;

	if (g->nr_differences++ >= SHOWN_PER_CASE)
		return;
	fprintf(stderr, "%s: %s: ", g->file, g->id);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void golden_double(struct golden *g, const char *what, double got, double want)
{
	if (memcmp(&got, &want, sizeof(got)) != 0 && got != want)
		golden_fail(g, "%s is %.17g, want %.17g", what, got, want);
}

void golden_int(struct golden *g, const char *what, int64_t got, int64_t want)
{
	if (got != want)
		golden_fail(g, "%s is %lld, want %lld", what, (long long)got, (long long)want);
}

/* The vectors are ours: a file that does not have the form is a broken checkout, not a test result.
 */
static void die(const char *file, const char *what)
{
	fprintf(stderr, "%s: %s\n", file, what);
	exit(2);
}

yajl_val golden_get(yajl_val object, const char *key)
{
	const char *path[] = { key, NULL };

	return object ? yajl_tree_get(object, path, yajl_t_any) : NULL;
}

size_t golden_len(yajl_val array)
{
	return YAJL_IS_ARRAY(array) ? YAJL_GET_ARRAY(array)->len : 0;
}

yajl_val golden_at(yajl_val array, size_t index)
{
	return index < golden_len(array) ? YAJL_GET_ARRAY(array)->values[index] : NULL;
}

const char *golden_string(yajl_val v)
{
	return YAJL_IS_STRING(v) ? YAJL_GET_STRING(v) : "";
}

const char *golden_text(yajl_val object, const char *key)
{
	return golden_string(golden_get(object, key));
}

double golden_number(yajl_val v)
{
	return YAJL_IS_NUMBER(v) ? strtod(YAJL_GET_NUMBER(v), NULL) : NAN;
}

int64_t golden_integer(yajl_val v)
{
	return YAJL_IS_NUMBER(v) ? strtoll(YAJL_GET_NUMBER(v), NULL, 10) : 0;
}

double golden_number_of(yajl_val object, const char *key, double otherwise)
{
	yajl_val v = golden_get(object, key);

	return v ? golden_number(v) : otherwise;
}

int64_t golden_integer_of(yajl_val object, const char *key, int64_t otherwise)
{
	yajl_val v = golden_get(object, key);

	return v ? golden_integer(v) : otherwise;
}

int64_t golden_time(int64_t ms)
{
	return ms == -62135596800000 ? PF_VPA_NO_TIME : ms * 1000000;
}

int64_t golden_ms(int64_t ns)
{
	return ns == PF_VPA_NO_TIME ? -62135596800000 : ns / 1000000;
}

struct pf_vpa_amounts golden_amounts_of(yajl_val object, const char *key)
{
	yajl_val v = golden_get(object, key);

	return (struct pf_vpa_amounts){ { golden_integer_of(v, "cpu", PF_VPA_ABSENT),
					  golden_integer_of(v, "mem", PF_VPA_ABSENT) } };
}

void golden_amounts(struct golden *g, const char *what, const struct pf_vpa_amounts *got,
		    yajl_val want)
{
	static const char *const keys[PF_VPA_NR_RESOURCES] = { "cpu", "mem" };
	char name[64];

	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		snprintf(name, sizeof(name), "%s %s", what, keys[r]);
		golden_int(g, name, got->of[r], golden_integer_of(want, keys[r], PF_VPA_ABSENT));
	}
}

size_t golden_policies(yajl_val item, struct pf_vpa_container_policy *ret, size_t max)
{
	yajl_val list = golden_get(item, "policies");
	size_t nr = golden_len(list);

	if (nr > max)
		die("policies", "more than there is room for");
	for (size_t i = 0; i < nr; i++) {
		yajl_val p = golden_at(list, i), controlled = golden_get(p, "controlled");

		ret[i] = (struct pf_vpa_container_policy){
			.container = golden_text(p, "ctr"),
			.off = !strcmp(golden_text(p, "mode"), "Off"),
			.requests_only =
				!strcmp(golden_text(p, "controlled_values"), "RequestsOnly"),
			.controlled = { !controlled, !controlled },
			.min_allowed = golden_amounts_of(p, "min"),
			.max_allowed = golden_amounts_of(p, "max"),
		};
		for (size_t k = 0; k < golden_len(controlled); k++) {
			const char *name = golden_string(golden_at(controlled, k));

			ret[i].controlled[!strcmp(name, "cpu") ? PF_VPA_CPU : PF_VPA_MEMORY] = true;
		}
	}
	return nr;
}

static char *read_file(const char *path)
{
	PF_AUTO(pf_buf_done) struct pf_buf buf;
	char chunk[65536];
	int n;
	gzFile file = gzopen(path, "rb"); /* also reads plain files */

	pf_buf_init(&buf, 64u << 20);
	if (!file)
		die(path, strerror(errno));
	while ((n = gzread(file, chunk, sizeof(chunk))) > 0)
		pf_buf_add(&buf, chunk, (size_t)n);
	gzclose(file);
	if (n < 0 || buf.err)
		die(path, "cannot be read");
	return pf_buf_steal(&buf);
}

static void run_file(const char *path, const char *name, unsigned *passed, unsigned *failed,
		     unsigned *skipped)
{
	char error[256];
	PF_AUTO(pf_freep) char *text = read_file(path);
	yajl_val root = yajl_tree_parse(text, error, sizeof(error));
	yajl_val cases = golden_get(root, "cases");
	golden_fn run = NULL;

	if (!root)
		die(path, error);
	for (size_t i = 0; i < PF_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].kind, golden_text(root, "kind")))
			run = kinds[i].run;
	for (size_t i = 0; i < golden_len(cases); i++) {
		yajl_val item = golden_at(cases, i);
		const char *id = golden_text(item, "id");
		struct golden g = { .file = name, .id = *id ? id : golden_text(item, "name") };

		if (!run) {
			++*skipped;
			continue;
		}
		run(&g, item);
		++*(g.nr_differences ? failed : passed);
	}
	yajl_tree_free(root);
}

int main(int argc, char **argv)
{
	const char *dir = argc == 2 ? argv[1] : "tests/golden/vpa";
	unsigned passed = 0, failed = 0, skipped = 0;
	struct dirent **names;
	int nr;

	if (argc > 2) {
		fprintf(stderr, "usage: test-golden [DIR]\n");
		return 2;
	}
	nr = scandir(dir, &names, NULL, alphasort);
	if (nr < 0)
		die(dir, strerror(errno));
	for (int i = 0; i < nr; i++) {
		PF_AUTO(pf_freep) char *path = NULL;

		if (strstr(names[i]->d_name, ".json") &&
		    asprintf(&path, "%s/%s", dir, names[i]->d_name) > 0)
			run_file(path, names[i]->d_name, &passed, &failed, &skipped);
		free(names[i]);
	}
	free(names);
	printf("golden: %s\n%u passed, %u failed, %u skipped\n", dir, passed, failed, skipped);
	return failed || !passed;
}
