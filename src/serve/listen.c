#include "serve/listen.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static kai_status refuse(const char *text, kai_err *err) {
    return err_set(err, KAI_INVALID,
                   "'%.80s' is nowhere to listen: expected an address and a port, such as "
                   "127.0.0.1:8787 or [::1]:8787",
                   text);
}

kai_status listen_parse(const char *text, struct listen_address *ret_address, kai_err *err) {
    struct listen_address address = {.host = "127.0.0.1"};
    const char *colon = strrchr(text, ':');
    struct slice host = {text, colon ? (size_t)(colon - text) : 0};
    int64_t port = 0;
    if (!text_parse_i64(slice_of(colon ? colon + 1 : text), &port) || port < 0 || port > UINT16_MAX)
        return refuse(text, err);
    if (host.size > 1 && host.data[0] == '[' && host.data[host.size - 1] == ']')
        host = (struct slice){host.data + 1, host.size - 2};
    else if (memchr(host.data, ':', host.size))
        return refuse(text, err);
    if (host.size >= sizeof address.host) return refuse(text, err);
    if (host.size && !slice_equal_text(host, "localhost"))
        (void)snprintf(address.host, sizeof address.host, "%.*s", (int)host.size, host.data);
    address.port = (uint16_t)port;
    address.is_loopback = strncmp(address.host, "127.", 4) == 0 || strcmp(address.host, "::1") == 0;
    *ret_address = address;
    return KAI_OK;
}
