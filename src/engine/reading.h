/* Tables from files, the way a job's options ask; and the sample of what was set aside. */
#ifndef KAIROS_ENGINE_READING_H
#define KAIROS_ENGINE_READING_H

#include "base/json.h"
#include "base/options.h"
#include "collect/collect.h"
#include "engine/engine.h"
#include "table/table.h"

/* The words of the options ("auto", "comma" ...) as collect takes them. */
struct reading {
    const char *delimiter, *encoding;
    int32_t no_header;
    struct option_list columns, missing, types;
};

struct reading reading_of(const kai_table_options *options);
KAI_MUST_CHECK kai_status reading_table(struct kai_engine *engine, const char *path,
                                        const struct reading *reading, struct table **ret_table,
                                        struct collect_report *ret_report, kai_err *err);
/* {"rows_read":..,"rows_kept":..,"rows_quarantined":..,"delimiter":..,"encoding":..,"reasons":{},
 * "quarantined":[{"line":..,"column":..,"reason":..,"raw":..}]} as the member `key`. */
void reading_describe(struct json_writer *json, const char *key,
                      const struct collect_report *report);

#endif
