// SPDX-License-Identifier: Apache-2.0
#include "report/outputs.h"

#include <string.h>

#include "report/advice_out.h"

static const struct {
	enum pf_advice_format format;
	const char *label;
} forms[PF_OUTPUTS_MAX] = {
	{ PF_ADVICE_PATCH, "Patch for kubectl" },
	{ PF_ADVICE_KUSTOMIZE, "Kustomize" },
	{ PF_ADVICE_HELM, "Helm values" },
	{ PF_ADVICE_VPA, "VerticalPodAutoscaler object" },
};

/* A form that cannot hold the workload has only comments in it. */
static bool says_something(const char *text)
{
	for (const char *line = text; line && *line;) {
		if (*line != '#' && *line != '\n')
			return true;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

static int write_all(const struct pf_view_row *rows, size_t nr_rows, struct pf_outputs *out)
{
	for (size_t i = 0; i < PF_OUTPUTS_MAX; i++) {
		struct pf_buf *text = &out->texts[out->nr_outputs];

		pf_buf_init(text, PF_HTML_BLOCK_MAX);

		int r = pf_advice_print(forms[i].format, rows, nr_rows, text);

		if (r < 0)
			return r;
		if (!says_something(text->data)) {
			/* Without a patch there is nothing that the other forms could apply. */
			if (forms[i].format == PF_ADVICE_PATCH)
				return 0;
			pf_buf_done(text);
			continue;
		}
		out->outputs[out->nr_outputs++] =
			(struct pf_view_output){ forms[i].label, text->data };
	}
	return 0;
}

int pf_outputs_of(const struct pf_view_row *rows, size_t nr_rows, struct pf_outputs *ret_outputs)
{
	struct pf_outputs out = { 0 };
	int r = write_all(rows, nr_rows, &out);

	if (r < 0) {
		pf_outputs_done(&out);
		return r;
	}
	*ret_outputs = out;
	return 0;
}

void pf_outputs_done(struct pf_outputs *outputs)
{
	for (size_t i = 0; i < PF_OUTPUTS_MAX; i++)
		pf_buf_done(&outputs->texts[i]);
	memset(outputs, 0, sizeof(*outputs));
}
