/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of published costs.
 */
#include "instrument/cost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELDS     7u
#define FILE_MAX   (1u << 20)
#define VALUE_MAX  UINT64_C(1000000000)
#define CLOCK_MAX  UINT64_C(100000)
#define DIGITS_MAX 10u

static const char *const field_names[FIELDS] = {"operation", "value",  "unit",  "clock",
                                                "platform",  "status", "source"};
static const char *const status_names[] = {
    [COST_UNVERIFIED] = "unverified", [COST_DERIVED] = "derived", [COST_VERIFIED] = "verified"};

const char *cost_status_name(enum cost_status status)
{
    return status_names[status];
}

/* A part of the text; not ended by a zero. */
struct word {
    const char *at;
    size_t size;
};

#define WORD(w) (int)(w).size, (w).at

__attribute__((format(printf, 3, 4))) static int refuse(struct cost_error *error, unsigned line,
                                                        const char *format, ...)
{
    va_list args;

    error->line = line;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return -EINVAL;
}

static bool word_is(struct word word, const char *text)
{
    return word.size == strlen(text) && memcmp(word.at, text, word.size) == 0;
}

/* What stands before the separator, which is taken off the rest with it. */
static struct word cut(struct word *rest, char separator)
{
    const char *end = rest->size ? memchr(rest->at, separator, rest->size) : NULL;
    struct word word = *rest;

    if (end) {
        word.size = (size_t)(end - rest->at);
        rest->at = end + 1;
        rest->size -= word.size + 1;
    } else {
        rest->at += rest->size;
        rest->size = 0;
    }
    return word;
}

/* A decimal number of [0, max]. */
static bool parse_number(struct word word, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;

    if (!word.size || word.size > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < word.size; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(word.at[i] - '0');
    }
    if (n > max)
        return false;
    *ret = n;
    return true;
}

bool cost_is_event(const struct sgx2_counter *counter)
{
    return counter->offset < offsetof(struct sgx2_counters, eexit) ||
           counter->offset == offsetof(struct sgx2_counters, aex_interrupts) ||
           counter->offset == offsetof(struct sgx2_counters, aex_faults) ||
           counter->offset == offsetof(struct sgx2_counters, aex_exceptions);
}

static int parse_operation(struct word word, struct cost_figure *figure, struct cost_error *error)
{
    size_t count = 0;
    bool more = true;

    snprintf(figure->operation, sizeof figure->operation, "%.*s", WORD(word));
    while (more) {
        const struct sgx2_counter *counter;
        struct word part;
        char name[COST_TEXT];

        more = memchr(word.at, '+', word.size) != NULL;
        part = cut(&word, '+');
        snprintf(name, sizeof name, "%.*s", WORD(part));
        counter = sgx2_counter_named(name);
        if (!counter || !cost_is_event(counter))
            return refuse(error, figure->line, "'%s' is no event: no leaf and no kind of AEX",
                          name);
        if (count == COST_PARTS)
            return refuse(error, figure->line, "an operation of more than %u events", COST_PARTS);
        for (size_t i = 0; i < count; i++)
            if (figure->parts[i] == counter)
                return refuse(error, figure->line, "'%s' twice in one operation", name);
        figure->parts[count++] = counter;
    }
    return 0;
}

/* "40000", or "8200-17000". */
static int parse_value(struct word word, struct cost_figure *figure, struct cost_error *error)
{
    struct word high = word, low;

    low = cut(&high, '-');
    if (low.size == word.size)
        high = low;
    if (!parse_number(low, VALUE_MAX, &figure->low) ||
        !parse_number(high, VALUE_MAX, &figure->high) || figure->low > figure->high ||
        !figure->high)
        return refuse(error, figure->line,
                      "the value '%.*s': want a number, or two as LOW-HIGH, of at most %llu",
                      WORD(word), (unsigned long long)VALUE_MAX);
    return 0;
}

static int parse_unit(struct word word, struct cost_figure *figure, struct cost_error *error)
{
    if (word_is(word, "cycles"))
        figure->unit = COST_CYCLES;
    else if (word_is(word, "ns"))
        figure->unit = COST_NANOSECONDS;
    else
        return refuse(error, figure->line, "the unit '%.*s': want cycles or ns", WORD(word));
    return 0;
}

static int parse_clock(struct word word, struct cost_figure *figure, struct cost_error *error)
{
    figure->clock = 0;
    if (word_is(word, "-"))
        return 0;
    if (!parse_number(word, CLOCK_MAX, &figure->clock) || !figure->clock)
        return refuse(error, figure->line, "the clock '%.*s': want MHz, or - for one not published",
                      WORD(word));
    return 0;
}

static int parse_platform(struct word word, struct cost_figure *figure, struct cost_error *error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

    snprintf(figure->platform, sizeof figure->platform, "%.*s", WORD(word));
    if (figure->platform[0] < 'a' || figure->platform[0] > 'z' ||
        figure->platform[strspn(figure->platform, allowed)])
        return refuse(error, figure->line,
                      "the platform '%s': want lower-case letters, digits, - and .",
                      figure->platform);
    return 0;
}

static int parse_status(struct word word, struct cost_figure *figure, struct cost_error *error)
{
    for (size_t i = 0; i < sizeof status_names / sizeof *status_names; i++)
        if (word_is(word, status_names[i])) {
            figure->status = (enum cost_status)i;
            return 0;
        }
    return refuse(error, figure->line, "the status '%.*s': want verified, derived or unverified",
                  WORD(word));
}

/* Nothing is known of the operation: everything between the name and the source is a dash. */
static int parse_none(const struct word *fields, struct cost_figure *figure,
                      struct cost_error *error)
{
    for (unsigned i = 2; i < 6; i++)
        if (!word_is(fields[i], "-"))
            return refuse(error, figure->line, "the %s '%.*s' of a value that is none: want -",
                          field_names[i], WORD(fields[i]));
    figure->unit = COST_NONE;
    return 0;
}

static int parse_figure(const struct word *fields, struct cost_figure *figure,
                        struct cost_error *error)
{
    int r = parse_operation(fields[0], figure, error);

    snprintf(figure->source, sizeof figure->source, "%.*s", WORD(fields[6]));
    if (r == 0 && word_is(fields[1], "none"))
        return parse_none(fields, figure, error);
    if (r == 0)
        r = parse_value(fields[1], figure, error);
    if (r == 0)
        r = parse_unit(fields[2], figure, error);
    if (r == 0)
        r = parse_clock(fields[3], figure, error);
    if (r == 0)
        r = parse_platform(fields[4], figure, error);
    if (r == 0)
        r = parse_status(fields[5], figure, error);
    return r;
}

static int split(struct word line, unsigned number, struct word *fields, struct cost_error *error)
{
    unsigned count = 0;
    bool more = true;

    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)line.at[i] < 0x20 && line.at[i] != '\t')
            return refuse(error, number, "a control character (0x%02x)", (unsigned char)line.at[i]);
    while (more) {
        more = memchr(line.at, '\t', line.size) != NULL;
        if (count == FIELDS)
            return refuse(error, number, "more than %u fields between tabs", FIELDS);
        fields[count] = cut(&line, '\t');
        if (!fields[count].size)
            return refuse(error, number, "the %s is empty", field_names[count]);
        if (fields[count].size >= COST_TEXT)
            return refuse(error, number, "the %s is longer than %u bytes", field_names[count],
                          COST_TEXT - 1);
        count++;
    }
    if (count < FIELDS)
        return refuse(error, number, "no %s: want %u fields between tabs", field_names[count],
                      FIELDS);
    return 0;
}

/* A figure that would hide another, or that another denies. */
static int check_new(const struct cost_table *table, const struct cost_figure *figure,
                     struct cost_error *error)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cost_figure *other = &table->figures[i];

        if (strcmp(other->operation, figure->operation) != 0)
            continue;
        if (other->unit == COST_NONE || figure->unit == COST_NONE)
            return refuse(error, figure->line, "line %u contradicts: no figure, and yet one",
                          other->line);
        if (strcmp(other->platform, figure->platform) == 0)
            return refuse(error, figure->line, "line %u has this operation and platform already",
                          other->line);
    }
    return 0;
}

static int parse_line(struct word line, unsigned number, struct cost_table *table,
                      struct cost_error *error)
{
    struct word fields[FIELDS];
    struct cost_figure *figure;
    int r;

    if (!line.size || line.at[0] == '#')
        return 0;
    if (table->count == COST_FIGURES)
        return refuse(error, number, "more than %u figures", COST_FIGURES);
    r = split(line, number, fields, error);
    if (r < 0)
        return r;
    figure = &table->figures[table->count];
    memset(figure, 0, sizeof *figure);
    figure->line = number;
    r = parse_figure(fields, figure, error);
    if (r == 0)
        r = check_new(table, figure, error);
    if (r == 0)
        table->count++;
    return r;
}

int cost_parse(const char *text, size_t size, struct cost_table *ret, struct cost_error *ret_error)
{
    struct cost_table *table = calloc(1, sizeof *table);
    struct word rest = {text, size};
    int r = 0;

    if (!table)
        return refuse(ret_error, 0, "no memory");
    for (unsigned number = 1; r == 0 && rest.size; number++)
        r = parse_line(cut(&rest, '\n'), number, table, ret_error);
    if (r == 0 && !table->count)
        r = refuse(ret_error, 0, "no figure in it");
    if (r == 0)
        *ret = *table;
    free(table);
    return r;
}

/* Up to FILE_MAX bytes of a regular file. The size, or a negative errno. */
static ssize_t read_file(const char *path, char **ret_text)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t done = 0, r = 1;
    struct stat st;
    char *text;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        close(fd);
        return -EINVAL;
    }
    text = malloc(FILE_MAX);
    while (text && r > 0 && done < FILE_MAX) {
        r = read(fd, text + done, FILE_MAX - (size_t)done);
        done += r > 0 ? r : 0;
    }
    if (!text || r < 0) {
        r = text ? -errno : -ENOMEM;
        free(text);
        close(fd);
        return r;
    }
    close(fd);
    *ret_text = text;
    return done;
}

int cost_load(const char *path, struct cost_table *ret, struct cost_error *ret_error)
{
    char *text = NULL;
    const ssize_t size = read_file(path, &text);
    int r;

    if (size == -EINVAL)
        return refuse(ret_error, 0, "not a regular file of at most %u bytes", FILE_MAX);
    if (size < 0) {
        refuse(ret_error, 0, "%s", strerror((int)-size));
        return (int)size;
    }
    r = cost_parse(text, (size_t)size, ret, ret_error);
    free(text);
    return r;
}
