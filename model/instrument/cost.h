/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost.h - published costs of hardware, and what the counters would cost at these
 *
 * The file is text, one figure a line, seven fields between tabs; empty lines and lines that begin
 * with # are left out. docs/instrument.md describes the fields:
 *
 *     operation  value  unit  clock  platform  status  source
 *
 * An operation is one counted event, or several joined by + that the figure covers together. Events
 * are the leaves and the three kinds of AEX, by the names of aperture/counters.h.
 */
#ifndef MODEL_INSTRUMENT_COST_H
#define MODEL_INSTRUMENT_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "aperture/counters.h"

#define COST_FIGURES 256u
#define COST_PARTS   4u
#define COST_TEXT    256u

/* In the order of trust. */
enum cost_status {
    COST_UNVERIFIED, /* the source repeats what others say, or names no machine */
    COST_DERIVED,    /* computed from figures that the source states */
    COST_VERIFIED,   /* stated by the source for this operation */
};

enum cost_unit {
    COST_NONE, /* the line says that no figure has been published */
    COST_CYCLES,
    COST_NANOSECONDS,
};

struct cost_figure {
    const struct sgx2_counter *parts[COST_PARTS]; /* those after the last are NULL */
    uint64_t low, high;                           /* of one operation; equal if one is stated */
    enum cost_unit unit;
    uint64_t clock; /* MHz; 0: not published */
    enum cost_status status;
    unsigned line;
    char operation[COST_TEXT], platform[COST_TEXT], source[COST_TEXT];
};

struct cost_table {
    size_t count;
    struct cost_figure figures[COST_FIGURES];
};

struct cost_error {
    unsigned line; /* 0: of the whole file */
    char text[COST_TEXT];
};

/*
 * cost_parse() - a cost file in memory; cost_load() - a cost file
 * @ret: written on success only; large: not for the stack
 * @ret_error: written on failure only: the line and what is wrong there
 *
 * 0, or -EINVAL. cost_load(): also the errno of open(2) and read(2), negated.
 */
int cost_parse(const char *text, size_t size, struct cost_table *ret, struct cost_error *ret_error);
int cost_load(const char *path, struct cost_table *ret, struct cost_error *ret_error);

/* Does any figure belong to the platform? */
bool cost_has_platform(const struct cost_table *table, const char *platform);

/* The platforms of a table, each once, separated by blanks. */
void cost_print_platforms(FILE *to, const struct cost_table *table);

const char *cost_status_name(enum cost_status status);

/* One operation that was found among the counters, with a figure. */
struct cost_item {
    const struct cost_figure *figure;
    uint64_t count;
};

/* Of figures in one unit: COST_CYCLES, or COST_NANOSECONDS where no clock is published. */
struct cost_total {
    bool any;
    double low, high;
    enum cost_status weakest;
};

struct cost_estimate {
    size_t count;
    struct cost_item items[COST_FIGURES];
    struct sgx2_counters left;    /* events that no figure covers */
    uint64_t events, events_left; /* how many, in all and of those */
    struct cost_total cycles, time;
};

/* A leaf, or one of the three kinds of AEX: what figures may be about. */
bool cost_is_event(const struct sgx2_counter *counter);

/*
 * cost_estimate() - price what was counted
 * @platform: take figures of this one only; NULL: of each operation the first that the file has
 *
 * No event is priced twice: operations of many parts take theirs first, then those of fewer.
 */
void cost_estimate(const struct cost_table *table, const char *platform,
                   const struct sgx2_counters *counters, struct cost_estimate *ret);

/* Counts first, estimates second; the weakest status beside each total; what has no figure. */
void cost_print(FILE *to, const struct cost_estimate *estimate);

#endif
