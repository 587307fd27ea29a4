/* The sections of a saved model, shared with the checkpoint; private to the room. */
#ifndef KAIROS_BEHAVE_BEHAVE_SAVE_H
#define KAIROS_BEHAVE_BEHAVE_SAVE_H

#include "base/bundle.h"
#include "behave/behave_model.h"

enum { BEHAVE_SECTIONS = 2, BEHAVE_VERSION = 1 };

/* Bytes of "behave" (settings, counts, curve), by value. The parameters are a section of their own,
 * "parameters", raw little-endian floats. */
KAI_MUST_CHECK kai_status behave_save_head(const struct behave *model, struct buf *out,
                                           kai_err *err);
/* A model from the two sections; everything is checked. */
KAI_MUST_CHECK kai_status behave_load_sections(const char *name,
                                               const struct bundle_section *sections, int32_t count,
                                               struct behave **ret_model, kai_err *err);
/* Floats of a raw section into `values`; KAI_CORRUPT where it is missing or of another size. */
KAI_MUST_CHECK kai_status behave_load_floats(const char *name,
                                             const struct bundle_section *sections, int32_t count,
                                             const char *section, int64_t float_count,
                                             float *values, kai_err *err);

#endif
