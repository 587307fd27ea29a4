/* usage: write_page REPORT.json en|zh > PAGE.html - the page of a report, for the browser test. */
#include <stdio.h>

#include "base/file.h"
#include "report/report.h"

int main(int argc, char **argv) {
    struct buf json, page;
    kai_err err = {0};
    if (argc != 3) return 2;
    buf_init(&json, 64u << 20);
    buf_init(&page, 64u << 20);
    kai_status st = file_read_all(argv[1], 64u << 20, &json, &err);
    if (!st) st = report_write_html(json.data, json.size, argv[2], &page, &err);
    if (st)
        fprintf(stderr, "write_page: %s\n", err.message);
    else
        fwrite(page.data, 1, page.size, stdout);
    buf_release(&page);
    buf_release(&json);
    return st ? 1 : 0;
}
