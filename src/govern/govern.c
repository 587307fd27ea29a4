#include "govern/govern.h"

struct filter_rules govern_rules_default(void) {
    return (struct filter_rules){consent_rules_default(), privacy_rules_default()};
}
