/* A saved recommender: docs/formats/recommender.md. */
#ifndef KAIROS_ENGINE_RECOMMENDER_FILE_H
#define KAIROS_ENGINE_RECOMMENDER_FILE_H

#include "base/dict.h"
#include "behave/interactions.h"
#include "engine/recommender.h"

struct recommender_file {
    int32_t kind; /* as struct recommender */
    struct dict customers, items;
    struct histories histories; /* of every customer, by code */
    struct behave *transformer; /* owned; NULL where a yardstick serves */
};

KAI_MUST_CHECK kai_status recommender_file_save(const char *path,
                                                const struct recommender_file *file, kai_err *err);
/* Fails: KAI_NOT_FOUND, KAI_IO, KAI_CORRUPT, KAI_UNSUPPORTED, KAI_NO_MEMORY, each names the path.
 */
KAI_MUST_CHECK kai_status recommender_file_load(const char *path, struct recommender_file *ret_file,
                                                kai_err *err);
/* From bytes that nobody trusts; `name` stands in messages. */
KAI_MUST_CHECK kai_status recommender_file_parse(const char *name, const void *bytes, size_t size,
                                                 struct recommender_file *ret_file, kai_err *err);
void recommender_file_release(struct recommender_file *file);
/* `given`, or models/recommender.kai of the workspace, into `path`. */
KAI_MUST_CHECK kai_status recommender_file_path(const char *given, const char *workspace,
                                                struct buf *path, kai_err *err);

#endif
