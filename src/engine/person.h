/* What jobs about one person share. */
#ifndef KAIROS_ENGINE_PERSON_H
#define KAIROS_ENGINE_PERSON_H

#include "engine/answer.h"
#include "engine/doorway.h"

/* The pseudonym of USER, of whom something must be known. Fails: KAI_NOT_FOUND; the message does
 * not repeat the identifier. */
KAI_MUST_CHECK kai_status person_find(struct doorway *door, const char *user,
                                      char ret_pseudonym[SECRET_PSEUDONYM_BYTES], kai_err *err);
/* "consent": {"analytics": {"answer":..,"time":..,"allowed":..}, ..., "not-personalised": ...} */
void person_describe_consent(const struct doorway *door, const struct consent *consent,
                             struct json_writer *json);
/* A moment as people give it on the command line; NULL = now. */
KAI_MUST_CHECK kai_status person_time(const char *option, const char *text, int64_t *ret_time_us,
                                      kai_err *err);
/* key: time in RFC 3339 */
void person_json_time(struct json_writer *json, const char *key, int64_t time_us);

#endif
