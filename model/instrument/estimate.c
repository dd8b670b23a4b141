/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters priced by published figures.
 */
#include <string.h>

#include "instrument/cost.h"

bool cost_has_platform(const struct cost_table *table, const char *platform)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->figures[i].platform, platform) == 0)
            return true;
    return false;
}

void cost_print_platforms(FILE *to, const struct cost_table *table)
{
    const char *separator = "";

    for (size_t i = 0; i < table->count; i++) {
        const struct cost_figure *figure = &table->figures[i];
        bool known = figure->unit == COST_NONE;

        for (size_t j = 0; j < i && !known; j++)
            known = strcmp(table->figures[j].platform, figure->platform) == 0;
        if (known)
            continue;
        fprintf(to, "%s%s", separator, figure->platform);
        separator = " ";
    }
}

static uint64_t *counter_of(struct sgx2_counters *counters, const struct sgx2_counter *counter)
{
    return (uint64_t *)(void *)((char *)counters + counter->offset);
}

static size_t part_count(const struct cost_figure *figure)
{
    size_t count = 0;

    while (count < COST_PARTS && figure->parts[count])
        count++;
    return count;
}

/* How often all parts of the operation are left, all of which are then taken. */
static uint64_t take(struct sgx2_counters *left, const struct cost_figure *figure)
{
    const size_t parts = part_count(figure);
    uint64_t count = UINT64_MAX;

    for (size_t i = 0; i < parts; i++) {
        const uint64_t n = *counter_of(left, figure->parts[i]);

        if (n < count)
            count = n;
    }
    for (size_t i = 0; i < parts; i++)
        *counter_of(left, figure->parts[i]) -= count;
    return count;
}

/* Nanoseconds count as cycles where the clock is known, which makes them derived at best. */
static void add_to_totals(struct cost_estimate *estimate, const struct cost_item *item)
{
    const struct cost_figure *figure = item->figure;
    const bool converts = figure->unit == COST_NANOSECONDS && figure->clock;
    const bool time = figure->unit == COST_NANOSECONDS && !figure->clock;
    const double factor = converts ? (double)figure->clock / 1000 : 1;
    const enum cost_status status =
        converts && figure->status > COST_DERIVED ? COST_DERIVED : figure->status;
    struct cost_total *total = time ? &estimate->time : &estimate->cycles;

    if (!total->any || status < total->weakest)
        total->weakest = status;
    total->any = true;
    total->low += (double)item->count * (double)figure->low * factor;
    total->high += (double)item->count * (double)figure->high * factor;
}

static void price(const struct cost_table *table, const char *platform, size_t parts,
                  struct cost_estimate *estimate)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cost_figure *figure = &table->figures[i];
        struct cost_item *item = &estimate->items[estimate->count];

        if (figure->unit == COST_NONE || part_count(figure) != parts ||
            (platform && strcmp(figure->platform, platform) != 0))
            continue;
        /* The first figure takes all there is, so that the others of the operation find none. */
        *item = (struct cost_item){.figure = figure, .count = take(&estimate->left, figure)};
        if (!item->count)
            continue;
        add_to_totals(estimate, item);
        estimate->count++;
    }
}

static uint64_t count_events(const struct sgx2_counters *counters)
{
    const struct sgx2_counter *counter;
    uint64_t events = 0;

    for (size_t i = 0; (counter = sgx2_counter_at(i)); i++)
        if (cost_is_event(counter))
            events += sgx2_counter_value(counters, counter);
    return events;
}

void cost_estimate(const struct cost_table *table, const char *platform,
                   const struct sgx2_counters *counters, struct cost_estimate *ret)
{
    ret->count = 0;
    ret->left = *counters;
    ret->cycles = ret->time = (struct cost_total){0};
    for (size_t parts = COST_PARTS; parts > 0; parts--)
        price(table, platform, parts, ret);
    ret->events = count_events(counters);
    ret->events_left = count_events(&ret->left);
}

/* ------------------------------------------------------------------ printing */

#define UNIT_WIDTH 13

static void print_range(FILE *to, double low, double high)
{
    char text[64];

    if (low < high)
        snprintf(text, sizeof text, "%.0f-%.0f", low, high);
    else
        snprintf(text, sizeof text, "%.0f", high);
    fprintf(to, " %23s", text);
}

static void print_item(FILE *to, const struct cost_item *item)
{
    const struct cost_figure *figure = item->figure;
    char unit[32];

    snprintf(unit, sizeof unit, "%s", figure->unit == COST_CYCLES ? "cycles" : "ns");
    if (figure->unit == COST_NANOSECONDS && figure->clock)
        snprintf(unit, sizeof unit, "ns @ %.2f GHz", (double)figure->clock / 1000);
    fprintf(to, "  %-28s %10llu", figure->operation, (unsigned long long)item->count);
    print_range(to, (double)figure->low, (double)figure->high);
    fprintf(to, " %-*s  %-10s  %s (line %u)\n", UNIT_WIDTH, unit, cost_status_name(figure->status),
            figure->platform, figure->line);
}

static void print_total(FILE *to, const char *name, const char *unit,
                        const struct cost_total *total)
{
    if (!total->any)
        return;
    fprintf(to, "  %-39s", name);
    print_range(to, total->low, total->high);
    fprintf(to, " %-*s  %s at worst\n", UNIT_WIDTH, unit, cost_status_name(total->weakest));
}

void cost_print(FILE *to, const struct cost_estimate *estimate)
{
    const struct sgx2_counter *counter;
    uint64_t left;

    fprintf(to, "  %-28s %10s %23s %-*s  %-10s  %s\n", "", "count", "published, each", UNIT_WIDTH,
            "", "status", "platform");
    for (size_t i = 0; i < estimate->count; i++)
        print_item(to, &estimate->items[i]);
    for (size_t i = 0; (counter = sgx2_counter_at(i)); i++)
        if (cost_is_event(counter) && (left = sgx2_counter_value(&estimate->left, counter)))
            fprintf(to, "  %-28s %10llu %23s\n", counter->name, (unsigned long long)left,
                    "no published figure");
    print_total(to, "estimate", "cycles", &estimate->cycles);
    print_total(to, estimate->cycles.any ? "and, of an unknown clock" : "estimate", "ns",
                &estimate->time);
    fprintf(to, "  %llu of %llu events (%.1f %%) have no published figure\n",
            (unsigned long long)estimate->events_left, (unsigned long long)estimate->events,
            estimate->events ? 100 * (double)estimate->events_left / (double)estimate->events : 0);
}
