/* Where to listen, as people write it. Private to serve/. */
#ifndef KAIROS_SERVE_LISTEN_H
#define KAIROS_SERVE_LISTEN_H

#include <stdint.h>

#include "base/err.h"

struct listen_address {
    char host[64]; /* an IP address */
    uint16_t port;
    int is_loopback; /* only this machine reaches it */
};

/* "127.0.0.1:8787", "8787" (this machine), "[::1]:8787", "localhost:8787". Fails: KAI_INVALID. */
KAI_MUST_CHECK kai_status listen_parse(const char *text, struct listen_address *ret_address,
                                       kai_err *err);

#endif
