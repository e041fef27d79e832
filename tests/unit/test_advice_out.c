// SPDX-License-Identifier: Apache-2.0
/* Every form is read back by a parser of that form, and its figures are those of the recommendation. */
#include <errno.h>
#include <string.h>
#include <yajl/yajl_tree.h>
#include <yaml.h>

#include "core/recommend.h"
#include "policy/yaml.h"
#include "report/advice_out.h"
#include "unit/evidence_sample.h"

/* A deployment of two containers, one of another kind, one with a name that tries things. */
struct fixture {
	struct pf_arena arena;
	struct pf_evidence *evidence;
	struct pf_rules rules;
	struct pf_recommendation rec;
	struct pf_resources present;
	struct pf_view_row rows[4];
	struct pf_buf out;
};

static void set_up(struct fixture *f)
{
	struct evidence_hour h = { .idle_windows = 18000,
				   .busy_windows = 18000,
				   .demand_millicores = 400,
				   .quota_us = 30000,
				   .nr_periods = 36000,
				   .nr_throttled = 9000,
				   .throttled_ns = 100 * PF_NS_PER_S,
				   .hot_bytes = 300 * PF_MIB,
				   .memory_bytes = 400 * PF_MIB,
				   .threads = 12 };
	struct pf_recommend_input in;

	*f = (struct fixture){ .present = { 2000, 300, 1024 * PF_MIB, PF_NO_LIMIT } };
	pf_arena_init(&f->arena, 1 << 20);
	pf_buf_init(&f->out, 1 << 20);
	pf_rules_default(&f->rules);
	f->rules.prices = (struct pf_prices){ "EUR", 0.03, 0.004 };
	f->evidence = evidence_new();
	evidence_run(f->evidence, "a", 0, 30, &h);
	pf_recommend_input_clear(&in);
	in.evidence = f->evidence;
	in.rules = &f->rules;
	in.present = f->present;
	in.runtime = PF_RUNTIME_GO;
	PF_CHECK_INT("recommend", pf_recommend(&in, &f->arena, &f->rec), 0);

	for (size_t i = 0; i < PF_ARRAY_SIZE(f->rows); i++)
		f->rows[i] = (struct pf_view_row){ .name = { "", "shop", "cart", "app",
							     PF_WORKLOAD_DEPLOYMENT },
						   .nr_instances = 3,
						   .nr_nodes = 2,
						   .present = &f->present,
						   .rec = &f->rec };
	f->rows[1].name.container = "side";
	f->rows[2].name = (struct pf_view_name){ "", "", "nginx.service", "nginx.service",
						 PF_WORKLOAD_SYSTEMD_UNIT };
	f->rows[3].name = (struct pf_view_name){ "", "=cmd()", "it's \"x\"\n\x1b[2J", "\xff",
						 PF_WORKLOAD_CRON_JOB };
}

static void tear_down(struct fixture *f)
{
	pf_buf_done(&f->out);
	pf_arena_done(&f->arena);
	pf_evidence_free(f->evidence);
}

static const char *print(struct fixture *f, enum pf_advice_format format)
{
	pf_buf_reset(&f->out);
	PF_CHECK_INT("print", pf_advice_print(format, f->rows, PF_ARRAY_SIZE(f->rows), &f->out), 0);
	return f->out.data;
}

static const struct pf_policy_result *podfit(const struct fixture *f)
{
	return pf_policy_result_of(&f->rec, "podfit");
}

static yajl_val get(yajl_val v, const char *a, const char *b)
{
	const char *path[] = { a, b, NULL };

	return yajl_tree_get(v, path, yajl_t_any);
}

static void test_json(void)
{
	struct fixture f;
	char error[200] = "";
	yajl_val root, list, first;

	set_up(&f);
	root = yajl_tree_parse(print(&f, PF_ADVICE_JSON), error, sizeof(error));
	PF_CHECK_STR("parses", error, "");
	list = get(root, "recommendations", NULL);
	PF_CHECK_INT("rows", list ? list->u.array.len : 0, 4);
	if (!list) {
		tear_down(&f);
		return;
	}
	first = list->u.array.values[0];
	PF_CHECK_STR("name", YAJL_GET_STRING(get(first, "workload", NULL)), "cart");
	PF_CHECK_STR("kind", YAJL_GET_STRING(get(first, "workload_kind", NULL)), "Deployment");
	PF_CHECK_INT("present", YAJL_GET_INTEGER(get(first, "spec", "cpu_request_millicores")),
		     2000);
	PF_CHECK("absent is unknown", !get(first, "spec", "memory_limit_bytes"));
	PF_CHECK_INT("curve", get(first, "recommendation", "limit_curve")->u.array.len,
		     f.rec.nr_curve);
	yajl_val result = get(first, "recommendation", "results")->u.array.values[0];

	PF_CHECK_INT("target", YAJL_GET_INTEGER(get(result, "cpu", "target")),
		     podfit(&f)->cpu.target);
	PF_CHECK_STR("hostile name",
		     YAJL_GET_STRING(get(list->u.array.values[3], "workload", NULL)),
		     "it's \"x\"\n\x1b[2J");
	PF_CHECK_STR("not UTF-8", YAJL_GET_STRING(get(list->u.array.values[3], "container", NULL)),
		     "\xef\xbf\xbd");
	yajl_tree_free(root);
	tear_down(&f);
}

static const struct pf_yaml *parse_yaml(struct fixture *f, const char *text)
{
	const struct pf_yaml *root = NULL;
	struct pf_yaml_error error = { 0 };

	PF_CHECK_INT("parses", pf_yaml_parse(text, strlen(text), &f->arena, &root, &error), 0);
	PF_CHECK_STR("parses", error.reason, "");
	return root;
}

static void test_yaml(void)
{
	struct fixture f;
	const struct pf_yaml *list, *rec;

	set_up(&f);
	list = pf_yaml_get(parse_yaml(&f, print(&f, PF_ADVICE_YAML)), "recommendations");
	PF_CHECK_INT("rows", list ? list->nr : 0, 4);
	if (list) {
		rec = pf_yaml_get(list->first, "recommendation");
		PF_CHECK_INT("steps", pf_yaml_get(rec, "steps")->nr, f.rec.nr_steps);
		PF_CHECK_STR("a step", pf_yaml_get(rec, "steps")->first->text, f.rec.steps[0]);
		PF_CHECK_INT("results", pf_yaml_get(rec, "results")->nr, 3);
		PF_CHECK_STR("hostile name",
			     pf_yaml_get(list->first->next->next->next, "workload")->text,
			     "it's \"x\"\n\x1b[2J");
	}
	tear_down(&f);
}

static void test_kustomize(void)
{
	struct fixture f;
	const struct pf_yaml *patches, *patch, *spec, *containers;

	set_up(&f);
	patches = pf_yaml_get(parse_yaml(&f, print(&f, PF_ADVICE_KUSTOMIZE)), "patches");
	PF_CHECK_INT("one a workload, not the unit", patches ? patches->nr : 0, 2);
	if (patches) {
		patch = parse_yaml(&f, pf_yaml_get(patches->first, "patch")->text);
		PF_CHECK_STR("kind", pf_yaml_get(patch, "kind")->text, "Deployment");
		spec = pf_yaml_get(pf_yaml_get(pf_yaml_get(patch, "spec"), "template"), "spec");
		containers = pf_yaml_get(spec, "containers");
		PF_CHECK_INT("both containers", containers->nr, 2);
		PF_CHECK_STR("request",
			     pf_yaml_get(pf_yaml_get(pf_yaml_get(containers->first, "resources"),
						     "requests"),
					 "cpu")
				     ->text,
			     pf_advice_cpu(podfit(&f)->cpu.target).text);
		patch = parse_yaml(&f, pf_yaml_get(patches->first->next, "patch")->text);
		PF_CHECK("a cron job has its template elsewhere",
			 pf_yaml_get(pf_yaml_get(patch, "spec"), "jobTemplate"));
	}
	tear_down(&f);
}

/* Objects one after another. */
static void test_vpa(void)
{
	struct fixture f;
	const char *text;
	const struct pf_yaml *vpa, *status, *one;

	set_up(&f);
	text = print(&f, PF_ADVICE_VPA);
	PF_CHECK("one each", strstr(text, "---\n") && strstr(strstr(text, "---\n") + 1, "---\n"));
	PF_CHECK("the unit is named",
		 strstr(text, "# SystemdUnit nginx.service: has no pod template to change\n"));
	f.out.data[strstr(text + 4, "# SystemdUnit") - text] = '\0';
	vpa = parse_yaml(&f, text);
	PF_CHECK_STR("kind", pf_yaml_get(vpa, "kind")->text, "VerticalPodAutoscaler");
	PF_CHECK_STR(
		"it does nothing by itself",
		pf_yaml_get(pf_yaml_get(pf_yaml_get(vpa, "spec"), "updatePolicy"), "updateMode")
			->text,
		"Off");
	status = pf_yaml_get(pf_yaml_get(pf_yaml_get(vpa, "status"), "recommendation"),
			     "containerRecommendations");
	PF_CHECK_INT("containers", status->nr, 2);
	one = status->first;
	PF_CHECK_STR("memory", pf_yaml_get(pf_yaml_get(one, "target"), "memory")->text,
		     pf_advice_memory(podfit(&f)->memory.target).text);
	tear_down(&f);
}

static void test_patch(void)
{
	struct fixture f;
	char error[200] = "", want[200];
	const char *text, *begin;
	char *end;
	yajl_val root;

	set_up(&f);
	text = print(&f, PF_ADVICE_PATCH);
	snprintf(want, sizeof(want),
		 "kubectl patch deployment 'cart' -n 'shop' --type strategic -p '");
	PF_CHECK("command", !strncmp(text, want, strlen(want)));
	begin = text + strlen(want);
	end = strchr(begin, '\'');
	*end = '\0';
	root = yajl_tree_parse(begin, error, sizeof(error));
	PF_CHECK_STR("parses", error, "");
	PF_CHECK("spec", get(root, "spec", "template"));
	yajl_tree_free(root);
	PF_CHECK("a quote in a name stays in the quotes",
		 strstr(end + 1, "kubectl patch cronjob 'it'\\''s \"x\" \x1b[2J'"));
	tear_down(&f);
}

/* Each container goes into the list it is in, init containers one by one; kubectl itself is asked in tests/cli/apply.py. */
static void test_init_containers(void)
{
	struct fixture f;
	const char *text, *init;

	set_up(&f);
	f.rows[1].type = PF_CONTAINER_SIDECAR;
	text = print(&f, PF_ADVICE_PATCH);
	init = strstr(text, "\"initContainers\"");
	PF_CHECK("a command of its own", init && strstr(init, "\"side\""));
	if (init)
		PF_CHECK("the other one before it", strstr(text, "\"app\"") < init);
	text = print(&f, PF_ADVICE_KUSTOMIZE);
	PF_CHECK("not for kustomize", !strstr(text, "initContainers") && !strstr(text, "side"));
	PF_CHECK("which is said",
		 strstr(text, "# Deployment shop/cart: an init container is left out"));
	f.rows[1].type = PF_CONTAINER_EPHEMERAL;
	PF_CHECK("nothing for a debugging container",
		 !strstr(print(&f, PF_ADVICE_PATCH), "\"side\""));
	tear_down(&f);
}

/* How many documents a YAML text has; -1: it is none. */
static int nr_documents(const char *text)
{
	yaml_parser_t parser;
	yaml_event_t event;
	int nr = 0;
	bool over = false;

	PF_CHECK("parser", yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
	while (!over && nr >= 0) {
		if (!yaml_parser_parse(&parser, &event)) {
			nr = -1;
			break;
		}
		nr += event.type == YAML_DOCUMENT_START_EVENT;
		over = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return nr;
}

static void test_helm(void)
{
	struct fixture f;
	const char *text;

	set_up(&f);
	text = print(&f, PF_ADVICE_HELM);
	PF_CHECK("value",
		 strstr(text, "\ncart:\n  app:\n    resources:\n      requests:\n        cpu:"));
	PF_CHECK_INT("one document, of more Helm reads the first", nr_documents(text), 1);
	f.rows[1].name =
		(struct pf_view_name){ "", "other", "cart", "app", PF_WORKLOAD_DEPLOYMENT };
	text = print(&f, PF_ADVICE_HELM);
	PF_CHECK("the same name twice", strstr(text, "\nshop-Deployment-cart:\n") &&
						strstr(text, "\nother-Deployment-cart:\n") &&
						!strstr(text, "\ncart:"));
	tear_down(&f);
}

static void test_csv(void)
{
	struct fixture f;
	const char *text, *line;
	size_t commas = 0, header = 0;

	set_up(&f);
	text = print(&f, PF_ADVICE_CSV);
	line = strchr(text, '\n') + 1;
	for (const char *s = text; *s != '\n'; s++)
		header += *s == ',';
	for (const char *s = line; *s != '\n'; s++)
		commas += *s == ',';
	PF_CHECK_INT("as many fields as the header has", commas, header);
	PF_CHECK(
		"quoted",
		!strncmp(
			line,
			"\"\",\"shop\",\"Deployment\",\"cart\",\"app\",3,2000,300,1073741824,none,podfit,",
			65));
	PF_CHECK("a formula is a text", strstr(text, "\"'=cmd()\""));
	PF_CHECK("quotes are doubled", strstr(text, "\"it's \"\"x\"\"\n"));
	tear_down(&f);
}

static void test_table_and_explain(void)
{
	struct fixture f;
	const char *text;

	set_up(&f);
	text = print(&f, PF_ADVICE_TABLE);
	PF_CHECK("heading", !strncmp(text, "WORKLOAD/CONTAINER", 18));
	PF_CHECK("change", strstr(text, "2 cores > "));
	PF_CHECK("verdict", strstr(text, "CPU_THROTTLED"));
	PF_CHECK("no control characters", !strchr(text, '\x1b'));

	pf_buf_reset(&f.out);
	PF_CHECK_INT("explain", pf_advice_explain(&f.rows[0], &f.out), 0);
	text = f.out.data;
	PF_CHECK("who", !strncmp(text, "Deployment shop/cart, container app\n", 36));
	PF_CHECK("side by side", strstr(text, "NOW") && strstr(text, "PODFIT") &&
					 strstr(text, "VPA") && strstr(text, "BASELINE"));
	PF_CHECK("the baseline's rule is named",
		 strstr(text, "CPU_THROTTLED (baseline rule) -> INCREASE_LIMITS"));
	PF_CHECK("steps",
		 strstr(text, "  1. CPU request: the size that costs least over the minutes seen"));
	PF_CHECK("curve marks both", strstr(text, "<- now") && strstr(text, "<- advised"));
	PF_CHECK("burst", strstr(text, "with a CFS burst of"));
	PF_CHECK("runtime",
		 strstr(text, "  go GOMEMLIMIT: ") && strstr(text, "(now: environment, not seen)"));
	f.rows[0].rec = NULL;
	pf_buf_reset(&f.out);
	PF_CHECK_INT("explain nothing", pf_advice_explain(&f.rows[0], &f.out), 0);
	PF_CHECK("says so", strstr(f.out.data, "nothing was measured"));
	tear_down(&f);
}

/* Every text of a recommendation may come from a report of somebody else. */
static void test_texts_from_elsewhere(void)
{
	static const char bad[] = "=x\x1b[2J,\"y\"";
	static const struct pf_runtime_advice runtime = { bad, bad, bad, bad, bad };
	static const struct pf_finding finding = { .sentence = bad };
	static const char *const steps[] = { bad };
	struct fixture f;

	set_up(&f);
	f.rec.policy = f.rec.workload_class = f.rec.savings.currency = bad;
	f.rec.runtime = &runtime;
	f.rec.findings = &finding;
	f.rec.steps = steps;
	f.rec.nr_runtime = f.rec.nr_findings = f.rec.nr_steps = 1;
	PF_CHECK("table", !strchr(print(&f, PF_ADVICE_TABLE), '\x1b'));
	PF_CHECK("CSV", !strstr(print(&f, PF_ADVICE_CSV), ",=x"));
	/* Each of them has a comma, so it is quoted: within quotes, too, it must not begin a formula. */
	PF_CHECK("quoted in CSV", !strstr(f.out.data, "\"=x"));
	PF_CHECK("as a text", strstr(f.out.data, ",\"'=x"));
	for (int i = 0; i < 2; i++) {
		f.rec.starting_advice = i;
		pf_buf_reset(&f.out);
		PF_CHECK_INT("explain", pf_advice_explain(&f.rows[0], &f.out), 0);
		PF_CHECK("nothing that moves a terminal's cursor", !strchr(f.out.data, '\x1b'));
	}
	tear_down(&f);
}

static void test_no_rows(void)
{
	for (int format = 0; format < PF_NR_ADVICE_FORMATS; format++) {
		PF_AUTO(pf_buf_done) struct pf_buf buf;

		pf_buf_init(&buf, 4096);
		PF_CHECK_INT("no rows",
			     pf_advice_print((enum pf_advice_format)format, NULL, 0, &buf), 0);
		pf_buf_done(&buf);
		pf_buf_init(&buf, 3);
		if (format != PF_ADVICE_PATCH && format != PF_ADVICE_VPA)
			PF_CHECK_INT("no room",
				     pf_advice_print((enum pf_advice_format)format, NULL, 0, &buf),
				     -ENOSPC);
	}
}

static void test_names(void)
{
	enum pf_advice_format format;

	PF_CHECK_INT("helm-values", pf_advice_format_parse("helm-values", &format), 0);
	PF_CHECK_INT("helm-values", format, PF_ADVICE_HELM);
	PF_CHECK_INT("unknown", pf_advice_format_parse("helm", &format), -EINVAL);
	PF_CHECK_STR("cores", pf_advice_cpu(2000).text, "2");
	PF_CHECK_STR("millicores", pf_advice_cpu(1250).text, "1250m");
	PF_CHECK_STR("Gi", pf_advice_memory(2 * PF_GIB).text, "2Gi");
	PF_CHECK_STR("Mi", pf_advice_memory(1536 * PF_MIB).text, "1536Mi");
	PF_CHECK_STR("bytes", pf_advice_memory(1001).text, "1001");
	PF_CHECK_STR("zero", pf_advice_memory(0).text, "0");
}

PF_TEST_SUITE(advice_out, { "json", test_json }, { "yaml", test_yaml },
	      { "kustomize", test_kustomize }, { "vpa", test_vpa }, { "patch", test_patch },
	      { "init containers", test_init_containers }, { "helm", test_helm },
	      { "csv", test_csv }, { "table and explain", test_table_and_explain },
	      { "texts from elsewhere", test_texts_from_elsewhere }, { "no rows", test_no_rows },
	      { "names", test_names });
