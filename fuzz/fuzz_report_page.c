/* Any bytes: a clean status, or a page whose scripts and texts the document cannot reach. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_of(const char *text, const char *part) {
    int count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf page;
    buf_init(&page, 1u << 26);
    if (size > 0 &&
        report_write_html((const char *)data, size, data[0] % 2 ? "zh" : "en", &page, NULL) == 0) {
        int scripts = count_of(page.data, "</script>");
        if ((scripts != 0 && scripts != 3) || count_of(page.data, "</html>") != 1) abort();
        if (count_of(page.data, "<section") != count_of(page.data, "</section>")) abort();
        if (count_of(page.data, "<tr") != count_of(page.data, "</tr>")) abort();
    }
    buf_release(&page);
    return 0;
}
