/* The run folders and models of a workspace, where a person must be forgotten.
 *
 * In `runs/<run>/` every file is looked at: of CSV files and JSON Lines (also .gz) the rows of the
 * person go (the column or member "customer"; in others a field that is the identifier); in JSON
 * and HTML files, and in what remains, the identifier becomes its pseudonym, where it is long
 * enough not to be a number by chance (RUN_FOLDERS_LONG bytes). Files are replaced whole or not at
 * all.
 */
#ifndef KAIROS_ENGINE_RUN_FOLDERS_H
#define KAIROS_ENGINE_RUN_FOLDERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum { RUN_FOLDERS_LONG = 6, RUN_FOLDERS_FILES = 100000 };

/* One identifier of the person, and what stands for it afterwards. */
struct run_folders_name {
    struct slice identifier;
    struct slice pseudonym;
};

struct run_folders {
    struct arena arena;
    const char **rewritten; /* folders, sorted */
    int64_t rewritten_count;
    const char **models; /* paths of saved models, sorted */
    int64_t model_count;
    int64_t rows; /* that were removed */
};

void run_folders_init(struct run_folders *folders);
void run_folders_release(struct run_folders *folders);
KAI_MUST_CHECK kai_status run_folders_forget(const char *workspace,
                                             const struct run_folders_name *names, int64_t count,
                                             struct run_folders *folders, kai_err *err);
/* The names in a folder, sorted, but for those that begin with a point; none where there is no such
 * folder. They live in the arena. */
KAI_MUST_CHECK kai_status run_folders_list(struct arena *arena, const char *path,
                                           const char ***ret_names, int64_t *ret_count,
                                           kai_err *err);
/* Replace an identifier in a text where it stands alone (no letter, digit or '_' beside it); append
 * to `out`. Returns through *ret_count how often. Exposed for tests. */
KAI_MUST_CHECK kai_status run_folders_replace(struct slice text,
                                              const struct run_folders_name *names, int64_t count,
                                              struct buf *out, int64_t *ret_count, kai_err *err);

#endif
