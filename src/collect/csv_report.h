/* Count and keep what is set aside: the report's first bad rows and the quarantine file. Private to
 * collect/. */
#ifndef KAIROS_COLLECT_CSV_REPORT_H
#define KAIROS_COLLECT_CSV_REPORT_H

#include "base/text.h"
#include "collect/collect.h"
#include "collect/csv_write.h"

struct csv_quarantine {
    const char *path;              /* borrowed; NULL = no file */
    struct csv_writer *writer;     /* owned; opened by the first bad row */
    struct collect_report *report; /* borrowed */
};

/* One bad row. `raw` is the record. */
struct csv_bad_note {
    int64_t line;
    int32_t column;
    enum collect_reason reason;
    const char *message;
    struct slice raw;
};

KAI_MUST_CHECK kai_status csv_quarantine_add(struct csv_quarantine *quarantine,
                                             const struct csv_bad_note *note, kai_err *err);
KAI_MUST_CHECK kai_status csv_quarantine_close(struct csv_quarantine *quarantine, kai_err *err);
void csv_quarantine_abandon(struct csv_quarantine *quarantine);

#endif
