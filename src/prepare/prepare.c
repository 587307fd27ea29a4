#include "prepare/prepare.h"

const char *prepare_role_text(enum prepare_role role) {
    static const char *const TEXTS[PREPARE_ROLES] = {"feature", "label",     "treatment", "id",
                                                     "test",    "protected", "sensitive", "time",
                                                     "group",   "dropped"};
    return TEXTS[role];
}
