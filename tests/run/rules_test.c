/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rules rules;
static struct rules_error error;

static bool parses(const char *text)
{
    return rules_parse(text, strlen(text), &rules, &error) == 0;
}

/* The one rule of a text. */
static struct rule rule(const char *text)
{
    cr_assert(parses(text), "%s: %u:%u: %s", text, error.line, error.column, error.text);
    cr_assert_eq(rules.used, 1);
    return rules.rule[0];
}

Test(rules, nothing_is_no_rule)
{
    cr_assert(parses(""));
    cr_assert_eq(rules.used, 0);
    cr_assert_eq(rules.operations, 0);
    cr_assert(parses(" \t\r\n# on eaug do lie\n\n   # more"));
    cr_assert_eq(rules.used, 0);
}

Test(rules, a_rule_says_when_where_and_what)
{
    struct rule r = rule("\n on  restrict page 0x3000-0x4fff every 12 do permission r-x # comment");

    cr_assert_eq(r.line, 2);
    cr_assert_eq(r.operations, RULE_BIT(RULE_RESTRICT));
    cr_assert_eq(r.first, 0x3000);
    cr_assert_eq(r.last, 0x4fff);
    cr_assert_eq(r.when, RULE_EVERY);
    cr_assert_eq(r.k, 12);
    cr_assert_eq(r.what, RULE_PERMISSION);
    cr_assert_eq(r.a, 5);
    cr_assert_eq(rules.operations, r.operations);
}

Test(rules, what_is_left_out_means_always_and_everywhere)
{
    struct rule r = rule("on eaug do lie");

    cr_assert_eq(r.first, 0);
    cr_assert_eq(r.last, UINT64_MAX);
    cr_assert_eq(r.when, RULE_ALWAYS);
    cr_assert_eq(rule("on eaug always do lie").when, RULE_ALWAYS);
    cr_assert_eq(rule("on ioctl do refuse").a, EPERM);
    cr_assert_eq(rule("on enter do registers random").a, 1);
    cr_assert_eq(rule("on aex do reenter").a, 0);
    cr_assert_eq(rule("on entry do interrupt 5").b, 0);
}

Test(rules, every_misbehaviour_has_its_arguments)
{
    static const struct {
        const char *text;
        enum rule_what what;
        uint64_t a, b;
    } cases[] = {
        {"on exit do delay 12", RULE_WAIT, 12, 0},
        {"on exit do augment 4096", RULE_AUGMENT, 4096, 0},
        {"on exit do remove 0x1000", RULE_DROP, 4096, 0},
        {"on exit do replace 0x1000", RULE_REPLACE, 4096, 0},
        {"on exit do swap 0x1000 0xA000", RULE_SWAP, 0x1000, 0xa000},
        {"on exit do evict 0x1000", RULE_EVICT, 0x1000, 0},
        {"on exit do keep 0x1000", RULE_KEEP, 0x1000, 0},
        {"on exit do replay 0x1000", RULE_REPLAY, 0x1000, 0},
        {"on add do refuse ENOMEM", RULE_REFUSE, ENOMEM, 0},
        {"on eaug do refuse", RULE_REFUSE, EPERM, 0},
        {"on ioctl do lie", RULE_LIE, 0, 0},
        {"on modify do skip", RULE_SKIP, 0, 0},
        {"on restrict do permission ---", RULE_PERMISSION, 0, 0},
        {"on restrict do permission xw", RULE_PERMISSION, 6, 0},
        {"on modify do type trim", RULE_TYPE, 4, 0},
        {"on eaug do elsewhere 0x2000", RULE_ELSEWHERE, 0x2000, 0},
        {"on eaug do twice", RULE_TWICE, 0, 0},
        {"on enter do registers r15=0xffffffffffffffff", RULE_REGISTER, RULE_R15, UINT64_MAX},
        {"on enter do registers rflags=0x40100", RULE_REGISTER, RULE_RFLAGS, 0x40100},
        {"on enter do registers random 77", RULE_RANDOM, 77, 0},
        {"on entry do interrupt 3 return 14", RULE_INTERRUPT, 3, 15},
        {"on resume do storm 1", RULE_STORM, 1, 0},
        {"on entry do step 0x5000-0x5fff", RULE_STEP, 0x5000, 0x5fff},
        {"on entry do step 0x5000", RULE_STEP, 0x5000, 0x5000},
        {"on aex do reenter -3", RULE_REENTER, (uint64_t)-3, 0},
        {"on aex do return 31", RULE_RETURN, 31, 0},
        {"on aex do never", RULE_NEVER, 0, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rule r = rule(cases[i].text);

        cr_assert_eq(r.what, cases[i].what, "%s", cases[i].text);
        cr_assert_eq(r.a, cases[i].a, "%s: %llx", cases[i].text, (unsigned long long)r.a);
        cr_assert_eq(r.b, cases[i].b, "%s: %llx", cases[i].text, (unsigned long long)r.b);
    }
}

/* Where the error is, and what its sentence says. */
Test(rules, a_refusal_says_where_and_what_would_be_right)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *word;
    } cases[] = {
        {"eaug do lie", 1, 1, "'on'"},
        {"on", 1, 3, "operation"},
        {"on eagu do lie", 1, 4, "eaug"},
        {"on eaug", 1, 8, "'do'"},
        {"on eaug doo lie", 1, 9, "'do'"},
        {"on eaug do", 1, 11, "elsewhere"},
        {"\n\n on eaug do nothing", 3, 13, "'nothing'"},
        {"on eaug do lie more", 1, 16, "end of the line"},
        {"on eaug do skip", 1, 12, "add, restrict, modify, remove"},
        {"on restrict do registers rsp=0", 1, 16, "enter"},
        {"on ioctl do permission r", 1, 13, "restrict"},
        {"on eaug page do lie", 1, 14, "0x3000"},
        {"on eaug page 5-4 do lie", 1, 14, "before it begins"},
        {"on eaug page 1- do lie", 1, 14, "offsets"},
        {"on eaug page 0-0x100000000000000 do lie", 1, 14, "offsets"},
        {"on eaug nth do lie", 1, 13, "a count"},
        {"on eaug nth 0 do lie", 1, 13, "out of range"},
        {"on eaug nth 1x do lie", 1, 13, "a number"},
        {"on eaug nth 99999999999999999999 do lie", 1, 13, "a number"},
        {"on eaug nth 0x do lie", 1, 13, "a number"},
        {"on eaug nth 2 nth 3 do lie", 1, 15, "'do'"},
        {"on eaug do refuse EPERM", 1, 19, "SIGBUS"},
        {"on restrict do refuse EWHAT", 1, 23, "EBUSY"},
        {"on eaug do elsewhere 0x3008", 1, 22, "0x1000"},
        {"on exit do swap 0x1000", 1, 23, "offset"},
        {"on exit do delay 60001", 1, 18, "60000"},
        {"on restrict do permission rwz", 1, 27, "r-x"},
        {"on restrict do permission", 1, 26, "r-x"},
        {"on modify do type reg", 1, 19, "trim"},
        {"on enter do registers rax=1", 1, 23, "operand"},
        {"on enter do registers eax=1", 1, 23, "r15"},
        {"on enter do registers rsp", 1, 23, "rsp=0"},
        {"on enter do registers rsp=", 1, 23, "="},
        {"on enter do registers rflags=0x200", 1, 23, "0x244dd5"},
        {"on enter do registers mxcsr=0x10000", 1, 23, "0xffff"},
        {"on enter do registers random x", 1, 30, "seed"},
        {"on enter do interrupt 0", 1, 23, "instructions"},
        {"on enter do interrupt 1 2", 1, 25, "end of the line"},
        {"on enter do interrupt 1 return 32", 1, 32, "vector"},
        {"on entry do step 9-1", 1, 18, "before it begins"},
        {"on aex do reenter --1", 1, 20, "index"},
        {"on aex do never ever", 1, 17, "end of the line"},
    };
    struct rules untouched;

    memset(&rules, 0x5a, sizeof rules);
    untouched = rules;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_not(parses(cases[i].text), "%s", cases[i].text);
        cr_assert_eq(error.line, cases[i].line, "%s: line %u", cases[i].text, error.line);
        cr_assert_eq(error.column, cases[i].column, "%s: column %u: %s", cases[i].text,
                     error.column, error.text);
        cr_assert_not_null(strstr(error.text, cases[i].word), "%s: %s", cases[i].text, error.text);
    }
    cr_assert_eq(memcmp(&rules, &untouched, sizeof rules), 0);
}

Test(rules, a_message_shows_nothing_that_a_terminal_acts_upon)
{
    cr_assert_not(parses("on \x1b[2J\x80 do lie"));
    for (const char *c = error.text; *c; c++)
        cr_assert(*c >= ' ' && *c <= '~');
}

Test(rules, there_are_at_most_so_many)
{
    char text[(RULES_MAX + 1) * 16] = "", *big = malloc(RULES_TEXT + 1);

    for (unsigned i = 0; i < RULES_MAX; i++)
        strcat(text, "on eaug do lie\n");
    cr_assert(parses(text));
    cr_assert_eq(rules.used, RULES_MAX);
    strcat(text, "on eaug do lie\n");
    cr_assert_not(parses(text));
    cr_assert_eq(error.line, RULES_MAX + 1);

    memset(big, '#', RULES_TEXT + 1);
    cr_assert_eq(rules_parse(big, RULES_TEXT, &rules, &error), 0);
    cr_assert_eq(rules_parse(big, RULES_TEXT + 1, &rules, &error), -1);
    free(big);
}

/* ------------------------------------------------------------------ which one strikes */

#define ANY (~UINT64_C(0))

static unsigned strikes(enum rule_operation operation, uint64_t first, uint64_t last)
{
    struct rule *r = NULL;
    unsigned lines = 0;

    while ((r = rules_next(&rules, r, operation, ANY, first, last)))
        lines |= 1u << r->line;
    return lines;
}

Test(rules, count_their_own_occurrences)
{
    static const unsigned expected[] = {0x18, 0x1a, 0x14, 0x10, 0x14, 0x10};

    cr_assert(parses("on exit nth 2 do delay 1\n"
                     "on exit page 1 every 2 do delay 1\n"
                     "on exit first 2 do delay 1\n"
                     "on exit do delay 1\n"));
    for (unsigned i = 0; i < 6; i++) /* at first not on the page of line 2 */
        cr_assert_eq(strikes(RULE_EXIT, i ? 0 : 5, i ? 4095 : 9), expected[i], "%u", i);
    cr_assert_eq(rules.rule[0].seen, 6);
    cr_assert_eq(rules.rule[0].struck, 1);
    cr_assert_eq(rules.rule[1].seen, 5);
    cr_assert_eq(rules.rule[3].struck, 6);
}

Test(rules, strike_where_a_byte_of_the_page_is_in_their_range)
{
    cr_assert(parses("on eaug page 0x3fff-0x5000 do lie"));
    cr_assert_eq(strikes(RULE_EAUG, 0x2000, 0x2fff), 0);
    cr_assert_eq(strikes(RULE_EAUG, 0x3000, 0x3fff), 2);
    cr_assert_eq(strikes(RULE_EAUG, 0x5000, 0x5fff), 2);
    cr_assert_eq(strikes(RULE_EAUG, 0x6000, 0x6fff), 0);
    cr_assert_eq(strikes(RULE_ADD, 0x3000, 0x3fff), 0);
    cr_assert_null(rules_next(&rules, NULL, RULE_EAUG, UINT64_C(1) << RULE_TWICE, 0x3000, 0x3fff));
    cr_assert_eq(rules.rule[0].seen, 2);
}

Test(rules, of_acts_are_one_for_each_misbehaviour)
{
    struct rule deny = {.operations = RULE_BIT(RULE_EAUG), .last = UINT64_MAX, .what = RULE_REFUSE};
    struct rule other = {.operations = RULE_BIT(RULE_EXIT), .last = UINT64_MAX, .what = RULE_WAIT};
    uint64_t version;

    cr_assert(parses("on restrict do lie"));
    version = rules.version;
    for (int i = 0; i < 3; i++) {
        cr_assert(rules_put(&rules, &deny));
        cr_assert(rules_put(&rules, &other));
    }
    cr_assert_eq(rules.used, 3);
    cr_assert_neq(rules.version, version);
    cr_assert_eq(rules.operations,
                 RULE_BIT(RULE_EAUG) | RULE_BIT(RULE_RESTRICT) | RULE_BIT(RULE_EXIT));
    deny.operations = 0;
    cr_assert(rules_put(&rules, &deny));
    cr_assert_eq(rules.operations, RULE_BIT(RULE_RESTRICT) | RULE_BIT(RULE_EXIT));
    cr_assert_eq(strikes(RULE_EAUG, 0, 1), 0);
    deny.what = RULE_LIE;
    deny.operations = RULE_BIT(RULE_EAUG);
    cr_assert(rules_put(&rules, &deny));
    cr_assert_eq(rules.used, 3, "a slot is used again");

    while (rules.used < RULES_MAX)
        rules.rule[rules.used++] = (struct rule){.operations = 1, .line = 1};
    deny.what = RULE_TWICE;
    cr_assert_not(rules_put(&rules, &deny));
}
