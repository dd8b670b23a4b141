/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of rules: a line is
 *
 *     on OPERATION [page RANGE] [nth K | first K | every K | always] do MISBEHAVIOUR [ARGUMENT ...]
 *
 * and # begins a comment. The text is anybody's: it is looked at byte by byte, once.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/secinfo.h"
#include "driver/rules.h"

struct word {
    const char *text;
    size_t size; /* 0: the line ends here */
};

struct parser {
    const char *at, *end;
    const char *line; /* its first byte */
    unsigned number;  /* of the line, from 1 */
    struct word word; /* the one at hand */
    struct rules_error *error;
};

struct name {
    const char *name;
    uint64_t value;
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------ words */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void advance(struct parser *p)
{
    const char *at = p->at;

    while (at < p->end && is_blank(*at))
        at++;
    p->word.text = at;
    while (at < p->end && !is_blank(*at) && *at != '\n' && *at != '#')
        at++;
    p->word.size = (size_t)(at - p->word.text);
    p->at = at;
}

static bool is(struct word word, const char *name)
{
    return word.size == strlen(name) && memcmp(word.text, name, word.size) == 0;
}

/* False, and the error stands where the word does. */
__attribute__((format(printf, 2, 3))) static bool fail(struct parser *p, const char *format, ...)
{
    va_list args;

    *p->error =
        (struct rules_error){.line = p->number, .column = (unsigned)(p->word.text - p->line) + 1};
    va_start(args, format);
    vsnprintf(p->error->text, sizeof p->error->text, format, args);
    va_end(args);
    return false;
}

/* The word, for a message: short, and nothing that a terminal would act upon. */
struct shown {
    char text[36];
};

static struct shown show(struct word word)
{
    struct shown shown;
    const size_t size = word.size < 24 ? word.size : 24;

    if (!word.size)
        return (struct shown){"the end of the line"};
    shown.text[0] = '\'';
    for (size_t i = 0; i < size; i++)
        shown.text[1 + i] = word.text[i] >= ' ' && word.text[i] <= '~' ? word.text[i] : '?';
    strcpy(shown.text + 1 + size, size < word.size ? "...'" : "'");
    return shown;
}

static bool wanted(struct parser *p, const char *what)
{
    return fail(p, "%s, where %s was expected", show(p->word).text, what);
}

/* ------------------------------------------------------------------ names */

/* clang-format off */
static const struct name operations[] = {
    {"create", RULE_BIT(RULE_CREATE)}, {"add", RULE_BIT(RULE_ADD)}, {"init", RULE_BIT(RULE_INIT)},
    {"provision", RULE_BIT(RULE_PROVISION)}, {"restrict", RULE_BIT(RULE_RESTRICT)},
    {"modify", RULE_BIT(RULE_MODIFY)}, {"remove", RULE_BIT(RULE_REMOVE)}, {"ioctl", RULE_IOCTLS},
    {"eaug", RULE_BIT(RULE_EAUG)}, {"enter", RULE_BIT(RULE_ENTER)},
    {"resume", RULE_BIT(RULE_RESUME)}, {"entry", RULE_ENTRIES}, {"exit", RULE_BIT(RULE_EXIT)},
    {"aex", RULE_BIT(RULE_AEX)},
};

static const struct name errnos[] = {
    {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EBUSY", EBUSY}, {"EFAULT", EFAULT}, {"EINTR", EINTR},
    {"EINVAL", EINVAL}, {"EIO", EIO}, {"ENODEV", ENODEV}, {"ENOMEM", ENOMEM}, {"ENOTTY", ENOTTY},
    {"EPERM", EPERM},
};

static const struct name types[] = {{"tcs", SGX_PT_TCS}, {"trim", SGX_PT_TRIM}};

static const struct name registers[] = {
    {"rdx", RULE_RDX}, {"rsp", RULE_RSP}, {"rbp", RULE_RBP}, {"rsi", RULE_RSI}, {"rdi", RULE_RDI},
    {"r8", RULE_R8}, {"r9", RULE_R9}, {"r10", RULE_R10}, {"r11", RULE_R11}, {"r12", RULE_R12},
    {"r13", RULE_R13}, {"r14", RULE_R14}, {"r15", RULE_R15}, {"rflags", RULE_RFLAGS},
    {"mxcsr", RULE_MXCSR}, {"fcw", RULE_FCW},
};
/* clang-format on */

/* "a, b or c", as much of it as there is room for. */
static void list(char *to, size_t room, const struct name *names, size_t count, uint64_t within)
{
    size_t used = 0;

    *to = '\0';
    for (size_t i = 0; i < count && used < room; i++)
        if (!(names[i].value & ~within))
            used +=
                (size_t)snprintf(to + used, room - used, "%s%s", used ? ", " : "", names[i].name);
}

/* The word's value in a table, or an error that says what the table has. */
static bool take_name(struct parser *p, const char *kind, const struct name *names, size_t count,
                      uint64_t *ret)
{
    char all[RULES_MESSAGE - 100];

    for (size_t i = 0; i < count; i++) {
        if (is(p->word, names[i].name)) {
            *ret = names[i].value;
            advance(p);
            return true;
        }
    }
    list(all, sizeof all, names, count, ~UINT64_C(0));
    return fail(p, "%s is no %s; there are: %s", show(p->word).text, kind, all);
}

/* ------------------------------------------------------------------ numbers */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* All of the word. */
static bool number_of(struct word word, uint64_t *ret)
{
    const int base = word.size > 2 && word.text[0] == '0' && word.text[1] == 'x' ? 16 : 10;
    uint64_t value = 0;

    if (!word.size)
        return false;
    for (size_t i = base == 16 ? 2 : 0; i < word.size; i++) {
        const int d = digit(word.text[i]);

        if (d >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)d, &value))
            return false;
    }
    *ret = value;
    return true;
}

static bool take_number(struct parser *p, const char *what, uint64_t least, uint64_t most,
                        uint64_t *ret)
{
    if (!number_of(p->word, ret))
        return fail(p, "%s, where %s was expected: a number, as 12 or 0x3000", show(p->word).text,
                    what);
    if (*ret < least || *ret > most)
        return fail(p, "%s is out of range: %s is from %llu to %llu", show(p->word).text, what,
                    (unsigned long long)least, (unsigned long long)most);
    advance(p);
    return true;
}

#define OFFSET_MOST ((UINT64_C(1) << 56) - 1)

/* A page of ELRANGE. */
static bool take_page(struct parser *p, uint64_t *ret)
{
    uint64_t offset;

    if (number_of(p->word, &offset) && offset % SGX_PAGE_SIZE)
        return fail(p, "%s is not the offset of a page: not a multiple of 0x1000",
                    show(p->word).text);
    return take_number(p, "the offset of a page", 0, OFFSET_MOST, ret);
}

/* FIRST-LAST, or one byte. */
static bool take_range(struct parser *p, uint64_t *ret_first, uint64_t *ret_last)
{
    const char *dash = memchr(p->word.text, '-', p->word.size);
    struct word low = p->word, high = p->word;

    if (dash) {
        low.size = (size_t)(dash - low.text);
        high.text = dash + 1;
        high.size = p->word.size - low.size - 1;
    }
    if (!number_of(low, ret_first) || !number_of(high, ret_last) || *ret_last > OFFSET_MOST)
        return fail(p, "%s, where offsets were expected, as 0x3000 or 0x3000-0x4fff",
                    show(p->word).text);
    if (*ret_first > *ret_last)
        return fail(p, "%s ends before it begins", show(p->word).text);
    advance(p);
    return true;
}

/* ------------------------------------------------------------------ arguments */

static bool no_argument(struct parser *p, struct rule *rule)
{
    (void)p, (void)rule;
    return true;
}

static bool one_page(struct parser *p, struct rule *rule)
{
    return take_page(p, &rule->a);
}

static bool two_pages(struct parser *p, struct rule *rule)
{
    return take_page(p, &rule->a) && take_page(p, &rule->b);
}

static bool milliseconds(struct parser *p, struct rule *rule)
{
    return take_number(p, "a number of milliseconds", 1, 60000, &rule->a);
}

static bool optional_errno(struct parser *p, struct rule *rule)
{
    rule->a = EPERM;
    if (!p->word.size)
        return true;
    if (rule->operations & RULE_BIT(RULE_EAUG))
        return fail(p, "%s: a page fault has no errno, its refusal is SIGBUS", show(p->word).text);
    return take_name(p, "errno", errnos, COUNT_OF(errnos), &rule->a);
}

static bool permission(struct parser *p, struct rule *rule)
{
    for (size_t i = 0; i < p->word.size; i++) {
        const char c = p->word.text[i];

        if (c != 'r' && c != 'w' && c != 'x' && c != '-')
            return fail(p, "%s is no permission: letters of rwx and -, as r-x", show(p->word).text);
        rule->a |= c == 'r'   ? SGX_SECINFO_R
                   : c == 'w' ? SGX_SECINFO_W
                   : c == 'x' ? SGX_SECINFO_X
                              : 0;
    }
    if (!p->word.size)
        return wanted(p, "a permission, as r-x,");
    advance(p);
    return true;
}

static bool page_type(struct parser *p, struct rule *rule)
{
    return take_name(p, "page type", types, COUNT_OF(types), &rule->a);
}

/* random [SEED], or NAME=VALUE */
static bool one_register(struct parser *p, struct rule *rule)
{
    static const uint64_t most[RULE_REGISTERS] = {
        [RULE_RFLAGS] = RULE_RFLAGS_FREE, [RULE_MXCSR] = 0xffff, [RULE_FCW] = 0xffff};
    const struct word whole = p->word;
    const char *equals = memchr(whole.text, '=', whole.size);
    struct word value;

    if (is(whole, "random")) {
        rule->what = RULE_RANDOM;
        rule->a = 1;
        advance(p);
        return !p->word.size || take_number(p, "a seed", 0, UINT64_MAX, &rule->a);
    }
    if (!equals)
        return wanted(p, "random, or a register and its value, as rsp=0,");
    value.text = equals + 1;
    value.size = whole.size - (size_t)(equals - whole.text) - 1;
    if (!number_of(value, &rule->b))
        return fail(p, "%s: no number behind the =", show(whole).text);
    p->word.size = (size_t)(equals - whole.text);
    if (is(p->word, "rax") || is(p->word, "rbx") || is(p->word, "rcx"))
        return fail(p, "%s is an operand of EENTER", show(p->word).text);
    if (!take_name(p, "register", registers, COUNT_OF(registers), &rule->a))
        return false;
    if (most[rule->a] && (rule->b & ~most[rule->a])) {
        p->word = whole;
        return fail(p, "%s: only the bits of %#llx are a program's to set", show(whole).text,
                    (unsigned long long)most[rule->a]);
    }
    return true;
}

static bool instructions(struct parser *p, struct rule *rule)
{
    return take_number(p, "a number of instructions", 1, UINT64_MAX >> 1, &rule->a);
}

static bool vector(struct parser *p, uint64_t *ret)
{
    return take_number(p, "an exception vector", 0, 31, ret);
}

/* N [return VECTOR] */
static bool interruption(struct parser *p, struct rule *rule)
{
    if (!instructions(p, rule))
        return false;
    if (!is(p->word, "return"))
        return true;
    advance(p);
    if (!vector(p, &rule->b))
        return false;
    rule->b++;
    return true;
}

static bool one_vector(struct parser *p, struct rule *rule)
{
    return vector(p, &rule->a);
}

static bool code_range(struct parser *p, struct rule *rule)
{
    return take_range(p, &rule->a, &rule->b);
}

/* What an enclave is entered for: 0 unless said. */
static bool optional_index(struct parser *p, struct rule *rule)
{
    const bool negative = p->word.size && p->word.text[0] == '-';

    if (!p->word.size)
        return true;
    p->word.text += negative;
    p->word.size -= negative;
    if (!take_number(p, "an index", 0, INT64_MAX, &rule->a))
        return false;
    rule->a = negative ? -rule->a : rule->a;
    return true;
}

/* ------------------------------------------------------------------ rules */

static const struct what {
    const char *name;
    enum rule_what what;
    uint32_t operations; /* where it can be done */
    bool (*arguments)(struct parser *p, struct rule *rule);
} whats[] = {
    {"delay", RULE_WAIT, RULE_ANY, milliseconds},
    {"augment", RULE_AUGMENT, RULE_ANY, one_page},
    {"remove", RULE_DROP, RULE_ANY, one_page},
    {"replace", RULE_REPLACE, RULE_ANY, one_page},
    {"swap", RULE_SWAP, RULE_ANY, two_pages},
    {"evict", RULE_EVICT, RULE_ANY, one_page},
    {"keep", RULE_KEEP, RULE_ANY, one_page},
    {"replay", RULE_REPLAY, RULE_ANY, one_page},
    {"refuse", RULE_REFUSE, RULE_IOCTLS | RULE_BIT(RULE_EAUG), optional_errno},
    {"lie", RULE_LIE, RULE_IOCTLS | RULE_BIT(RULE_EAUG), no_argument},
    {"skip", RULE_SKIP, RULE_RANGES, no_argument},
    {"permission", RULE_PERMISSION, RULE_BIT(RULE_RESTRICT), permission},
    {"type", RULE_TYPE, RULE_BIT(RULE_MODIFY), page_type},
    {"elsewhere", RULE_ELSEWHERE, RULE_BIT(RULE_EAUG), one_page},
    {"twice", RULE_TWICE, RULE_BIT(RULE_EAUG), no_argument},
    {"registers", RULE_REGISTER, RULE_BIT(RULE_ENTER), one_register},
    {"interrupt", RULE_INTERRUPT, RULE_ENTRIES, interruption},
    {"storm", RULE_STORM, RULE_ENTRIES, instructions},
    {"step", RULE_STEP, RULE_ENTRIES, code_range},
    {"reenter", RULE_REENTER, RULE_BIT(RULE_AEX), optional_index},
    {"return", RULE_RETURN, RULE_ENTRIES | RULE_BIT(RULE_AEX), one_vector},
    {"never", RULE_NEVER, RULE_BIT(RULE_AEX), no_argument},
};

const char *rules_what_name(enum rule_what what)
{
    for (size_t i = 0; i < COUNT_OF(whats); i++)
        if (whats[i].what == what)
            return whats[i].name;
    return "registers"; /* RULE_RANDOM */
}

const char *rules_operation_name(enum rule_operation operation)
{
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        if (operations[i].value == RULE_BIT(operation))
            return operations[i].name;
    return "?";
}

static const struct what *find_what(struct parser *p)
{
    char all[RULES_MESSAGE - 100];
    size_t used = 0;

    for (size_t i = 0; i < COUNT_OF(whats); i++)
        if (is(p->word, whats[i].name))
            return &whats[i];
    for (size_t i = 0; i < COUNT_OF(whats); i++)
        used +=
            (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", whats[i].name);
    fail(p, "%s is no misbehaviour; there are: %s", show(p->word).text, all);
    return NULL;
}

static bool misbehaviour(struct parser *p, struct rule *rule)
{
    const struct what *what = find_what(p);
    char where[RULES_MESSAGE - 100];

    if (!what)
        return false;
    if (rule->operations & ~what->operations) {
        list(where, sizeof where, operations, COUNT_OF(operations), what->operations);
        return fail(p, "'%s' cannot be done there, only on: %s", what->name, where);
    }
    rule->what = (uint8_t)what->what;
    advance(p);
    if (!what->arguments(p, rule))
        return false;
    return !p->word.size || wanted(p, "the end of the line");
}

static bool occurrence(struct parser *p, struct rule *rule)
{
    static const struct name whens[] = {
        {"nth", RULE_NTH}, {"first", RULE_FIRST}, {"every", RULE_EVERY}};

    rule->when = RULE_ALWAYS;
    if (is(p->word, "always")) {
        advance(p);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(whens); i++) {
        if (is(p->word, whens[i].name)) {
            rule->when = (uint8_t)whens[i].value;
            advance(p);
            return take_number(p, "a count", 1, UINT64_MAX >> 1, &rule->k);
        }
    }
    return true;
}

static bool one_rule(struct parser *p, struct rule *ret)
{
    struct rule rule = {.line = p->number, .last = UINT64_MAX};
    uint64_t mask;

    if (!is(p->word, "on"))
        return wanted(p, "'on'");
    advance(p);
    if (!take_name(p, "operation", operations, COUNT_OF(operations), &mask))
        return false;
    rule.operations = (uint32_t)mask;
    if (is(p->word, "page")) {
        advance(p);
        if (!take_range(p, &rule.first, &rule.last))
            return false;
    }
    if (!occurrence(p, &rule))
        return false;
    if (!is(p->word, "do"))
        return wanted(p, "'page', 'nth', 'first', 'every', 'always' or 'do'");
    advance(p);
    if (!misbehaviour(p, &rule))
        return false;
    *ret = rule;
    return true;
}

static bool one_line(struct parser *p, struct rules *rules)
{
    p->line = p->at;
    p->number++;
    advance(p);
    if (p->word.size) {
        if (rules->used == RULES_MAX)
            return fail(p, "more than %u rules", RULES_MAX);
        if (!one_rule(p, &rules->rule[rules->used]))
            return false;
        rules->operations |= rules->rule[rules->used++].operations;
    }
    p->at = memchr(p->at, '\n', (size_t)(p->end - p->at));
    p->at = p->at ? p->at + 1 : p->end;
    return true;
}

int rules_parse(const char *text, size_t size, struct rules *ret, struct rules_error *ret_error)
{
    struct parser p = {.at = text, .end = text + size, .error = ret_error};
    struct rules rules = {0};

    p.word.text = p.line = text;
    if (size > RULES_TEXT) {
        p.number = 1;
        fail(&p, "more than %u bytes", RULES_TEXT);
        return -1;
    }
    while (p.at < p.end)
        if (!one_line(&p, &rules))
            return -1;
    *ret = rules;
    return 0;
}
