/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rule strikes when. The lock of the enclave is held.
 */
#include "driver/rules.h"

#include <string.h>

/* One more occurrence. */
static bool strikes(struct rule *rule)
{
    bool is_it = true;

    rule->seen++;
    switch ((enum rule_when)rule->when) {
    case RULE_ALWAYS:
        break;
    case RULE_NTH:
        is_it = rule->seen == rule->k;
        break;
    case RULE_FIRST:
        is_it = rule->seen <= rule->k;
        break;
    case RULE_EVERY:
        is_it = rule->seen % rule->k == 0;
        break;
    }
    rule->struck += is_it;
    return is_it;
}

struct rule *rules_next(struct rules *rules, struct rule *previous, enum rule_operation operation,
                        uint64_t whats, uint64_t first, uint64_t last)
{
    struct rule *rule = previous ? previous + 1 : rules->rule;

    for (; rule < rules->rule + rules->used; rule++)
        if ((rule->operations & RULE_BIT(operation)) && (whats >> rule->what & 1) &&
            rule->first <= last && first <= rule->last && strikes(rule))
            return rule;
    return NULL;
}

void rules_set(struct rules *rules, const struct rules *set)
{
    const uint64_t version = rules->version + 1;

    *rules = *set;
    rules->version = version;
}

/* The slot of the act, or one that nothing is in, or a new one. */
static struct rule *slot(struct rules *rules, uint8_t what)
{
    struct rule *free_one = NULL;

    for (uint32_t i = 0; i < rules->used; i++) {
        struct rule *rule = &rules->rule[i];

        if (rule->line == 0 && rule->what == what)
            return rule;
        if (!rule->operations && !free_one)
            free_one = rule;
    }
    if (!free_one && rules->used < RULES_MAX)
        free_one = &rules->rule[rules->used++];
    return free_one;
}

bool rules_put(struct rules *rules, const struct rule *rule)
{
    struct rule *at = slot(rules, rule->what);

    if (!at)
        return false;
    *at = *rule;
    at->line = 0;
    rules->version++;
    rules->operations = 0;
    for (uint32_t i = 0; i < rules->used; i++)
        rules->operations |= rules->rule[i].operations;
    return true;
}
