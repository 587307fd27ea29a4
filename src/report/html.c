#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void html_raw(struct html *html, const char *markup) {
    if (!html->status) html->status = buf_puts(html->out, markup, &html->err);
}

static void put(struct html *html, const char *bytes, size_t n) {
    if (!html->status) html->status = buf_append(html->out, bytes, n, &html->err);
}

static const char *entity_of(char c) {
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

/* Control characters are not allowed in HTML, not even as references: they become blanks. */
static void put_escaped(struct html *html, const char *text, size_t n) {
    size_t begin = 0;
    for (size_t i = 0; i < n; i++) {
        const char *entity = entity_of(text[i]);
        unsigned char byte = (unsigned char)text[i];
        int is_control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
        if (!entity && !is_control) continue;
        put(html, text + begin, i - begin);
        html_raw(html, entity ? entity : " ");
        begin = i + 1;
    }
    put(html, text + begin, n - begin);
}

void html_text(struct html *html, const char *text) {
    if (text) put_escaped(html, text, strlen(text));
}

static void fill(struct html *html, const char *at, const char *const *parts, const size_t *sizes,
                 int count) {
    for (const char *brace; (brace = strchr(at, '{')) != NULL;) {
        int index = brace[1] - '0';
        put_escaped(html, at, (size_t)(brace - at));
        at = brace + 1;
        if (index < 0 || index >= count || brace[2] != '}') continue;
        put_escaped(html, parts[index], sizes[index]);
        at = brace + 3;
    }
    html_text(html, at);
}

/* "everybody: Mens E-Mail" is a phrase and a name of the campaign; a warning is a template. */
void html_phrase(struct html *html, const char *text) {
    static const char PREFIX[] = "everybody: ";
    const char *parts[WORD_PARTS];
    size_t sizes[WORD_PARTS];
    if (!text) return;
    const char *found = word_phrase(html->lang, text);
    if (!found) found = word_template(html->lang, text, parts, sizes);
    if (!found && strncmp(text, PREFIX, sizeof PREFIX - 1) == 0) {
        html_word(html, "everybody");
        text += sizeof PREFIX - 1;
    }
    if (found)
        fill(html, found, parts, sizes, WORD_PARTS);
    else
        html_text(html, text);
}

void html_fill(struct html *html, const char *key, const char *const *texts, int count) {
    size_t sizes[WORD_PARTS];
    KAI_ASSERT(count <= WORD_PARTS);
    for (int i = 0; i < count; i++) sizes[i] = strlen(texts[i]);
    fill(html, word_find(html->lang, key), texts, sizes, count);
}

void html_space(struct html *html) { html_raw(html, html->lang == WORD_ZH ? "" : " "); }

void html_word(struct html *html, const char *key) {
    html_fill(html, key, (const char *const[]){html->confidence, html->goal}, 2);
}

int number_decimals(double size) {
    double magnitude = fabs(size);
    if (!(magnitude > 0) || magnitude >= 100) return 0;
    int decimals = 2 - (int)floor(log10(magnitude));
    return decimals > 6 ? 6 : decimals;
}

/* The decimal point of the process's locale, whatever it is, becomes a full stop. */
const char *number_print(char text[HTML_NUMBER_BYTES], double value, int decimals) {
    char digits[HTML_NUMBER_BYTES];
    if (!isfinite(value)) return memcpy(text, "–", sizeof "–");
    if (fabs(value) >= 1e15) {
        text_print_f64(value, text);
        return text;
    }
    int size = snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
    int is_zero = strspn(digits, "0.,") == (size_t)size;
    int whole = (int)strspn(digits, "0123456789"), at = 0;
    if (value < 0 && !is_zero) {
        memcpy(text, "−", sizeof "−" - 1);
        at = sizeof "−" - 1;
    }
    for (int i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    if (decimals > 0) {
        text[at++] = '.';
        memcpy(text + at, digits + size - decimals, (size_t)decimals);
        at += decimals;
    }
    text[at] = '\0';
    return text;
}

const char *number_print_share(char text[HTML_NUMBER_BYTES], double share) {
    double percent = share * 100;
    int decimals = fabs(percent) >= 0.1 || percent == 0 ? 1 : 3;
    number_print(text, percent, decimals);
    if (isfinite(percent)) {
        size_t size = strlen(text);
        memcpy(text + size, "%", 2);
    }
    return text;
}

const char *number_print_auto(char text[HTML_NUMBER_BYTES], double value) {
    return number_print(text, value, number_decimals(value));
}

const char *number_print_amount(char text[HTML_NUMBER_BYTES], double value) {
    int is_whole = isfinite(value) && value == floor(value);
    return number_print(text, value, is_whole ? 0 : number_decimals(value));
}

void html_section(struct html *html, const char *id, const char *title, const char *lead) {
    html_raw(html, "<section id=\"");
    html_raw(html, id);
    html_raw(html, "\">\n<h2>");
    html_word(html, title);
    html_raw(html, "</h2>\n");
    if (!lead) return;
    html_raw(html, "<p class=\"lead\">");
    html_word(html, lead);
    html_raw(html, "</p>\n");
}

void html_section_end(struct html *html) { html_raw(html, "</section>\n"); }

void html_chart(struct html *html, const char *kind, const char *title) {
    html_raw(html, "<figure class=\"chart\" data-chart=\"");
    html_raw(html, kind);
    html_raw(html, "\" role=\"img\" aria-label=\"");
    html_word(html, title);
    html_raw(html, "\" hidden></figure>\n");
}

void html_details(struct html *html, const char *title, int is_of_chart) {
    html_raw(html,
             is_of_chart ? "<details class=\"of-chart\" open><summary>" : "<details><summary>");
    html_word(html, title);
    html_raw(html, "</summary>\n");
}

void html_details_end(struct html *html) { html_raw(html, "</details>\n"); }

void html_table(struct html *html, const struct html_column *columns, int count) {
    html_raw(html, "<div class=\"scroll\"><table>\n<thead><tr>");
    for (int c = 0; c < count; c++) {
        html_raw(html,
                 columns[c].is_number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        if (columns[c].word) html_word(html, columns[c].word);
        html_raw(html, "</th>");
    }
    html_raw(html, "</tr></thead>\n<tbody>\n");
}

void html_table_end(struct html *html) { html_raw(html, "</tbody></table></div>\n"); }

void html_row(struct html *html, int is_strong) {
    html_raw(html, is_strong ? "<tr class=\"strong\">" : "<tr>");
}

void html_row_end(struct html *html) { html_raw(html, "</tr>\n"); }

void html_cell_text(struct html *html, const char *text) {
    html_raw(html, "<td>");
    html_text(html, text);
    html_raw(html, "</td>");
}

void html_cell_phrase(struct html *html, const char *text) {
    html_raw(html, "<td>");
    html_phrase(html, text);
    html_raw(html, "</td>");
}

static void put_number(struct html *html, const char *text) {
    html_raw(html, "<td class=\"n\">");
    html_text(html, text);
    html_raw(html, "</td>");
}

void html_cell_number(struct html *html, double value, int decimals) {
    char text[HTML_NUMBER_BYTES];
    put_number(html, number_print(text, value, decimals));
}

void html_cell_amount(struct html *html, double value) {
    char text[HTML_NUMBER_BYTES];
    put_number(html, number_print_amount(text, value));
}

void html_cell_share(struct html *html, double share) {
    char text[HTML_NUMBER_BYTES];
    put_number(html, number_print_share(text, share));
}

static void put_interval(struct html *html, const char *low, const char *high, int is_known) {
    html_raw(html, "<td class=\"n i\">");
    if (is_known)
        html_fill(html, "low-to-high", (const char *const[]){low, high}, 2);
    else
        html_raw(html, "–");
    html_raw(html, "</td>");
}

void html_cell_interval(struct html *html, const struct json_value *estimate, int decimals) {
    char low_text[HTML_NUMBER_BYTES], high_text[HTML_NUMBER_BYTES];
    double low = json_as_f64(json_get(estimate, "low"), NAN);
    double high = json_as_f64(json_get(estimate, "high"), NAN);
    put_interval(html, number_print(low_text, low, decimals),
                 number_print(high_text, high, decimals),
                 isfinite(low) && isfinite(high) && low < high);
}

void html_cell_interval_share(struct html *html, const struct json_value *estimate) {
    char low_text[HTML_NUMBER_BYTES], high_text[HTML_NUMBER_BYTES];
    double low = json_as_f64(json_get(estimate, "low"), NAN);
    double high = json_as_f64(json_get(estimate, "high"), NAN);
    put_interval(html, number_print_share(low_text, low), number_print_share(high_text, high),
                 isfinite(low) && isfinite(high));
}
