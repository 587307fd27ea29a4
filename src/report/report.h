/* Lay finished numbers out as a page; compute nothing.
 *
 * In goes the document of report.json (docs/formats/report.md), out comes one self-contained HTML
 * page: no external reference, readable without scripts (tables), with charts where scripts run,
 * light and dark, fit for print.
 */
#ifndef KAIROS_REPORT_REPORT_H
#define KAIROS_REPORT_REPORT_H

#include <stddef.h>

#include "base/buf.h"

/* lang: "en" or "zh". Appends the page to `out`. Fails: KAI_INVALID (no JSON), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status report_write_html(const char *json, size_t size, const char *lang,
                                            struct buf *out, kai_err *err);

#endif
