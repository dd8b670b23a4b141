/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_fuzz.c - any bytes as the rules of a hostile host
 *
 * A refusal has a place within the text and a printable sentence, and leaves the result alone. What
 * is accepted keeps the bounds that those who carry rules out rely on.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "driver/rules.h"

static void check_refusal(const struct rules_error *error, const uint8_t *data, size_t size)
{
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    assert(error->line >= 1 && error->line <= lines);
    assert(error->column >= 1 && error->column <= size + 1);
    assert(error->text[0] && memchr(error->text, 0, sizeof error->text));
    for (const char *c = error->text; *c; c++)
        assert(*c >= ' ' && *c <= '~');
}

static void check_rule(const struct rule *rule)
{
    assert(rule->line >= 1 && rule->operations && !(rule->operations & ~RULE_ANY));
    assert(rule->what <= RULE_NEVER && rule->when <= RULE_EVERY);
    assert(rule->when == RULE_ALWAYS || rule->k > 0);
    assert(rule->first <= rule->last && rule->seen == 0 && rule->struck == 0);
    if (rule->what == RULE_REGISTER)
        assert(rule->a < RULE_REGISTERS);
    if (rule->what == RULE_INTERRUPT || rule->what == RULE_STORM)
        assert(rule->a > 0 && rule->b <= 32);
    if (rule->what == RULE_STEP)
        assert(rule->a <= rule->b);
    if (rule->what >= RULE_AUGMENT && rule->what <= RULE_REPLAY)
        assert(rule->a % 4096 == 0 && rule->b % 4096 == 0);
    if (rule->what == RULE_REFUSE)
        assert(rule->a > 0 && rule->a < 4096);
}

/* Every operation once: no rule strikes more often than it is asked. */
static void strike(struct rules *rules)
{
    for (unsigned operation = 0; operation <= RULE_AEX; operation++) {
        struct rule *rule = NULL;

        while ((rule = rules_next(rules, rule, operation, ~UINT64_C(0), 0x3000, 0x3fff)))
            assert(rule->struck <= rule->seen && rule->seen > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rules rules, untouched;
    struct rules_error error;
    /* A copy of just this size, so that a read beyond it is seen. */
    char *text = malloc(size ? size : 1);

    memcpy(text, data, size);
    memset(&rules, 0x5a, sizeof rules);
    untouched = rules;
    if (rules_parse(text, size, &rules, &error) < 0) {
        check_refusal(&error, data, size);
        assert(memcmp(&rules, &untouched, sizeof rules) == 0);
    } else {
        uint32_t operations = 0;

        assert(rules.used <= RULES_MAX);
        for (uint32_t i = 0; i < rules.used; i++) {
            check_rule(&rules.rule[i]);
            operations |= rules.rule[i].operations;
        }
        assert(operations == rules.operations);
        strike(&rules);
    }
    free(text);
    return 0;
}
