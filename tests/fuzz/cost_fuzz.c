/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost_fuzz.c - any bytes as a file of published costs
 *
 * A refusal has a sentence and leaves the result alone. What is accepted holds what the header
 * promises, and prices any counters without counting an event twice.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "instrument/cost.h"

static struct cost_table table, untouched;
static struct cost_estimate estimate;

static void check_figure(const struct cost_figure *figure)
{
    assert(figure->line && figure->operation[0] && figure->source[0] && figure->parts[0]);
    if (figure->unit == COST_NONE)
        return;
    assert(figure->low <= figure->high && figure->high && figure->platform[0]);
    assert(cost_has_platform(&table, figure->platform));
}

static uint64_t price(const char *platform, const struct sgx2_counters *counters)
{
    uint64_t priced = 0;

    cost_estimate(&table, platform, counters, &estimate);
    assert(estimate.count <= table.count && estimate.events_left <= estimate.events);
    for (size_t i = 0; i < estimate.count; i++)
        for (size_t j = 0; j < COST_PARTS && estimate.items[i].figure->parts[j]; j++)
            priced += estimate.items[i].count;
    assert(priced == estimate.events - estimate.events_left);
    return priced;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cost_error error = {0};
    struct sgx2_counters counters;
    uint8_t *bytes = (uint8_t *)&counters;

    memset(&table, 0x5a, sizeof table);
    if (cost_parse((const char *)data, size, &table, &error) < 0) {
        memset(&untouched, 0x5a, sizeof untouched);
        assert(error.text[0]);
        assert(memcmp(&table, &untouched, sizeof table) == 0);
        return 0;
    }
    assert(table.count > 0 && table.count <= COST_FIGURES);
    for (size_t i = 0; i < table.count; i++)
        check_figure(&table.figures[i]);
    memset(&counters, 0, sizeof counters);
    for (size_t i = 0; i < sizeof counters; i += sizeof(uint64_t))
        bytes[i] = data[i % size];
    price(table.figures[0].unit == COST_NONE ? NULL : table.figures[0].platform, &counters);
    price(NULL, &counters);
    return 0;
}
