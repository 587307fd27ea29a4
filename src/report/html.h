/* Write HTML: escaped text, words of the chosen language, and numbers as people read them.
 *
 * A failure sticks; page.c checks once, at the end. Numbers have thousands separators, a true minus
 * sign and the decimals that their column asks for; what is not finite is a dash.
 */
#ifndef KAIROS_REPORT_HTML_H
#define KAIROS_REPORT_HTML_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "report/words.h"

enum { HTML_NUMBER_BYTES = 64, HTML_ROWS_MAX = 200 }; /* more rows than that is no reading */

struct html {
    struct buf *out; /* borrowed */
    enum word_lang lang;
    char confidence[HTML_NUMBER_BYTES]; /* "95%": {0} of a word */
    const char *goal;                   /* "profit": {1} of a word; borrowed */
    kai_status status;
    kai_err err;
};

/* A section's table: alignment and heading of each column. */
struct html_column {
    const char *word; /* key of words.c; NULL = no heading */
    int is_number;
};

void html_raw(struct html *html, const char *markup); /* trusted: not escaped */
void html_text(struct html *html, const char *text);  /* escaped */
/* A word of words.c, escaped, with {0} the confidence and {1} the goal. */
void html_word(struct html *html, const char *key);
/* What stands between two sentences. */
void html_space(struct html *html);
/* The engine's own English phrase in the page's language, escaped. */
void html_phrase(struct html *html, const char *text);
/* A sentence of words.c with {0}, {1} ... replaced by the texts; none is NULL. */
void html_fill(struct html *html, const char *key, const char *const *texts, int count);

/* How many decimals show three digits of a number of this size; 0 to 6. */
int number_decimals(double size);
/* Returns `text`. */
const char *number_print(char text[HTML_NUMBER_BYTES], double value, int decimals);
const char *number_print_share(char text[HTML_NUMBER_BYTES], double share); /* 0.18 is "18.0%" */
/* With decimals by its own size. */
const char *number_print_auto(char text[HTML_NUMBER_BYTES], double value);
/* Whole numbers without decimals, others with decimals by their size. */
const char *number_print_amount(char text[HTML_NUMBER_BYTES], double value);

/* <section id=...> with heading; `lead` (a key or NULL) is the sentence under it. */
void html_section(struct html *html, const char *id, const char *title, const char *lead);
void html_section_end(struct html *html);
/* The empty frame of a chart; the script of console/ fills and shows it. */
void html_chart(struct html *html, const char *kind, const char *title);
/* What folds away on the screen around a long table. One that repeats a chart is open until the
 * script has drawn the chart. */
void html_details(struct html *html, const char *title, int is_of_chart);
void html_details_end(struct html *html);
void html_table(struct html *html, const struct html_column *columns, int count);
void html_table_end(struct html *html);
void html_row(struct html *html, int is_strong);
void html_row_end(struct html *html);
void html_cell_text(struct html *html, const char *text);
void html_cell_phrase(struct html *html, const char *text);
void html_cell_number(struct html *html, double value, int decimals);
void html_cell_amount(struct html *html, double value);
void html_cell_share(struct html *html, double share);
/* "low to high" of an estimate; shares as percentages. */
void html_cell_interval(struct html *html, const struct json_value *estimate, int decimals);
void html_cell_interval_share(struct html *html, const struct json_value *estimate);

#endif
