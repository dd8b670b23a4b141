/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - see report.h */
#include "report.h"

#include <stdarg.h>
#include <string.h>

#define LINE_MAX_SHOWN 200
#define WORD_MAX       64

static const struct {
    const char *name;
    bool on;
    const char *about;
} warnings[WARN_COUNT] = {
#define WARNING_ROW(id, name, on, about) {name, on, about},
    REPORT_WARNINGS(WARNING_ROW)};

void report_init(struct report *report, FILE *out)
{
    *report = (struct report){.out = out};
    for (int i = 0; i < WARN_COUNT; i++)
        report->warning[i].on = warnings[i].on;
}

static int warning_named(const char *name)
{
    for (int i = 0; i < WARN_COUNT; i++) {
        if (strcmp(warnings[i].name, name) == 0)
            return i;
    }
    return -1;
}

/* NAME of -Werror=NAME and -Wno-error=NAME */
static bool fatal_option(struct report *report, const char *name, bool on)
{
    int i = warning_named(name);

    if (i < 0)
        return false;
    report->warning[i].fatal = on;
    report->spared[i] = !on;
    if (on)
        report->warning[i].on = true;
    return true;
}

bool report_option(struct report *report, const char *text)
{
    bool on = strncmp(text, "no-", 3) != 0;
    int which;

    if (!on)
        text += 3;
    if (strcmp(text, "error") == 0) {
        report->all_fatal = on;
        return true;
    }
    if (strncmp(text, "error=", 6) == 0)
        return fatal_option(report, text + 6, on);
    if (strcmp(text, "all") == 0) {
        for (int i = 0; i < WARN_COUNT; i++)
            report->warning[i].on = on;
        return true;
    }
    which = warning_named(text);
    if (which < 0)
        return false;
    report->warning[which].on = on;
    return true;
}

void report_list_warnings(FILE *out)
{
    for (int i = 0; i < WARN_COUNT; i++)
        fprintf(out, "  %-18s %-4s %s\n", warnings[i].name, warnings[i].on ? "on" : "off",
                warnings[i].about);
}

/* Control characters and broken bytes would spoil the terminal, and a tab the caret's column. */
static void print_line(FILE *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
    }
    fputc('\n', out);
}

static void print_caret(FILE *out, struct line line, struct place place)
{
    size_t start = line.column - 1, skip = 0, size = line.size, marks;

    /* Of a very long line, the part around the place. */
    if (start > LINE_MAX_SHOWN / 2)
        skip = start - LINE_MAX_SHOWN / 2;
    if (size < skip)
        size = skip;
    size -= skip;
    if (size > LINE_MAX_SHOWN)
        size = LINE_MAX_SHOWN;
    start -= skip;
    marks = place.size;
    if (start + marks > size)
        marks = size > start ? size - start : 1;

    fprintf(out, "%5u | ", line.number);
    print_line(out, line.text + skip, size);
    fprintf(out, "      | %*s^", (int)start, "");
    for (size_t i = 1; i < marks; i++)
        fputc('~', out);
    fputc('\n', out);
}

__attribute__((format(printf, 4, 0))) static void
print(struct report *report, struct place place, const char *kind, const char *format, va_list args)
{
    struct line line = {0};
    FILE *out = report->out;

    if (!out)
        return;
    if (place.source) {
        line = place_line(place);
        fprintf(out, "%s:%u:%u: ", place.source->name, line.number, line.column);
    } else {
        fputs("ap-edl: ", out);
    }
    fprintf(out, "%s: ", kind);
    vfprintf(out, format, args);
    fputc('\n', out);
    if (place.source)
        print_caret(out, line, place);
}

void report_error(struct report *report, struct place place, const char *format, ...)
{
    va_list args;

    report->muted = ++report->errors > REPORT_ERRORS_MAX;
    if (report->muted)
        return;
    va_start(args, format);
    print(report, place, "error", format, args);
    va_end(args);
}

void report_warning(struct report *report, enum warning which, struct place place,
                    const char *format, ...)
{
    const struct warning_state *state = &report->warning[which];
    bool fatal = state->fatal || (report->all_fatal && !report->spared[which]);
    va_list args;
    char kind[64];

    report->muted = !state->on;
    if (!state->on)
        return;
    snprintf(kind, sizeof kind, "%s [-W%s%s]", fatal ? "error" : "warning", fatal ? "error=" : "",
             warnings[which].name);
    if (fatal)
        report->errors++;
    else
        report->warnings++;
    va_start(args, format);
    print(report, place, kind, format, args);
    va_end(args);
}

void report_note(struct report *report, struct place place, const char *format, ...)
{
    va_list args;

    if (report->muted)
        return;
    va_start(args, format);
    print(report, place, "note", format, args);
    va_end(args);
}

void report_hint(struct report *report, const char *format, ...)
{
    va_list args;

    if (report->muted || !report->out)
        return;
    va_start(args, format);
    fputs("hint: ", report->out);
    vfprintf(report->out, format, args);
    fputc('\n', report->out);
    va_end(args);
}

/* How many letters to insert, drop or change, to make a into b. Both are WORD_MAX at most. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), row[WORD_MAX + 1];

    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[lb];
}

const char *report_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    size_t size = strlen(word), limit = size < 3 ? 1 : size < 7 ? 2 : 3;

    if (size > WORD_MAX)
        return NULL;
    limit++;
    for (; *names; names++) {
        size_t d;

        if (strlen(*names) > WORD_MAX)
            continue;
        d = distance(word, *names);
        if (d < limit && d < size) {
            limit = d;
            best = *names;
        }
    }
    return best;
}
