/* What kairos.yaml of a workspace says about persons: rules of consent and privacy, the key file,
 * segments. An empty file is valid. Keys of other rooms are theirs; a key that is almost one of
 * ours is an error, for a misspelt rule of consent must not be silence.
 *
 *   consent: {analytics: opt-in, marketing-email: opt-in}
 *   privacy: {key_file: /etc/kairos/shop.key, email: seal, ip: drop}
 *   segments: {loyal: rfm.frequency >= 5}
 */
#ifndef KAIROS_ENGINE_SETTINGS_H
#define KAIROS_ENGINE_SETTINGS_H

#include "base/yaml.h"
#include "govern/govern.h"

struct settings {
    struct yaml_tree *tree; /* owned */
    struct filter_rules rules;
    struct buf key_file;              /* path */
    const struct yaml_node *segments; /* a map of rules, or NULL; lives in the tree */
};

/* Fails: KAI_NOT_FOUND "'DIR' is not a workspace", KAI_INVALID naming file, line and column. */
KAI_MUST_CHECK kai_status settings_load(const char *workspace, struct settings *ret_settings,
                                        kai_err *err);
void settings_release(struct settings *settings);

#endif
