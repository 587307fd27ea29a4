#include "collect/csv_report.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

const char *collect_reason_text(enum collect_reason reason) {
    static const char *const TEXTS[] = {"fields", "quote",  "encoding", "nul",
                                        "length", "number", "date",     "flag"};
    KAI_ASSERT(reason < COLLECT_REASONS);
    return TEXTS[reason];
}

void collect_report_release(struct collect_report *report) {
    for (int32_t i = 0; i < report->column_count; i++) mem_free(report->columns[i].name);
    mem_free(report->columns);
    *report = (struct collect_report){0};
}

/* Cut to the room at a character; what cannot be printed becomes a blank. */
static void print_cut(char ret_text[COLLECT_TEXT_BYTES], struct slice text) {
    size_t size = text.size < COLLECT_TEXT_BYTES ? text.size : COLLECT_TEXT_BYTES - 1;
    size_t valid = text_utf8_valid(text.data, size);
    if (size - valid > 3 || size == text.size) valid = size; /* damaged, not cut */
    for (size_t i = 0; i < valid; i++) {
        unsigned char c = (unsigned char)text.data[i];
        ret_text[i] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
    }
    ret_text[valid] = '\0';
    /* bytes that are no UTF-8 would spoil any document that quotes them */
    for (size_t i = 0; (i += text_utf8_valid(ret_text + i, valid - i)) < valid;) ret_text[i] = '?';
}

static void keep_first(struct collect_report *report, const struct csv_bad_note *note) {
    int32_t at = report->bad_count;
    while (at > 0 && report->bad[at - 1].line > note->line) at--;
    if (at == COLLECT_BAD_ROWS) return;
    if (report->bad_count < COLLECT_BAD_ROWS) report->bad_count++;
    memmove(report->bad + at + 1, report->bad + at,
            (size_t)(report->bad_count - 1 - at) * sizeof *report->bad);
    struct collect_bad_row *row = &report->bad[at];
    *row = (struct collect_bad_row){
        .line = note->line, .column = note->column, .reason = note->reason};
    print_cut(row->message, slice_of(note->message));
    print_cut(row->raw, note->raw);
}

static kai_status write_header(struct csv_quarantine *quarantine, kai_err *err) {
    kai_status st = csv_write_open(quarantine->path, &quarantine->writer, err);
    if (st) return st;
    csv_write_string(quarantine->writer, "line");
    csv_write_string(quarantine->writer, "column");
    csv_write_string(quarantine->writer, "reason");
    csv_write_string(quarantine->writer, "raw");
    return csv_write_row(quarantine->writer, err);
}

kai_status csv_quarantine_add(struct csv_quarantine *quarantine, const struct csv_bad_note *note,
                              kai_err *err) {
    quarantine->report->bad_by_reason[note->reason]++;
    quarantine->report->rows_bad++;
    keep_first(quarantine->report, note);
    if (!quarantine->path) return KAI_OK;
    kai_status st = quarantine->writer ? KAI_OK : write_header(quarantine, err);
    if (st) return st;
    csv_write_i64(quarantine->writer, note->line);
    csv_write_i64(quarantine->writer, note->column);
    csv_write_string(quarantine->writer, note->message);
    csv_write_text(quarantine->writer, note->raw);
    return csv_write_row(quarantine->writer, err);
}

kai_status csv_quarantine_close(struct csv_quarantine *quarantine, kai_err *err) {
    struct csv_writer *writer = quarantine->writer;
    quarantine->writer = NULL;
    return writer ? csv_write_close(writer, err) : KAI_OK;
}

void csv_quarantine_abandon(struct csv_quarantine *quarantine) {
    csv_write_abandon(quarantine->writer);
    quarantine->writer = NULL;
}
