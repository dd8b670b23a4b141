/* SPDX-License-Identifier: Apache-2.0 */
/* expression.c - what stands behind #if; see token.h */
#include <string.h>

#include "token.h"

struct evaluator {
    struct edl *edl;
    const struct token *at;
    struct place directive;
    unsigned depth;
    bool failed;
};

/* The first complaint counts; what follows from it does not. */
static void fail(struct evaluator *e, const char *what)
{
    if (!e->failed)
        report_error(&e->edl->report, e->at->kind == TOKEN_END ? e->directive : e->at->place, "%s",
                     what);
    e->failed = true;
}

static bool accept(struct evaluator *e, const char *mark)
{
    if (e->at->kind != TOKEN_MARK || !token_is(e->at, mark))
        return false;
    e->at = e->at->next;
    return true;
}

static int64_t conditional(struct evaluator *e);
static int64_t unary(struct evaluator *e);

/* primary = "(" conditional ")" | number | name */
static int64_t primary(struct evaluator *e)
{
    const struct token *token = e->at;
    int64_t value;

    if (accept(e, "(")) {
        value = conditional(e);
        if (!accept(e, ")"))
            fail(e, "expected ')'");
        return value;
    }
    if (token->kind != TOKEN_NUMBER && token->kind != TOKEN_NAME) {
        fail(e, "expected a number, a name or '('");
        return 0;
    }
    e->at = token->next;
    return token->kind == TOKEN_NUMBER ? (int64_t)token->number : 0;
}

/* unary = ("!" | "~" | "-" | "+") unary | primary */
static int64_t unary(struct evaluator *e)
{
    int64_t value;

    if (e->failed || e->depth >= EDL_PAREN_DEPTH_MAX) {
        fail(e, "this expression is nested too deeply");
        return 0;
    }
    e->depth++;
    if (accept(e, "!"))
        value = !unary(e);
    else if (accept(e, "~"))
        value = ~unary(e);
    else if (accept(e, "-"))
        value = (int64_t)(0 - (uint64_t)unary(e));
    else if (accept(e, "+"))
        value = unary(e);
    else
        value = primary(e);
    e->depth--;
    return value;
}

static const struct {
    const char *mark;
    int level;
} operators[] = {
    {"||", 1}, {"&&", 2}, {"|", 3},  {"^", 4},  {"&", 5},  {"==", 6},
    {"!=", 6}, {"<=", 7}, {">=", 7}, {"<", 7},  {">", 7},  {"<<", 8},
    {">>", 8}, {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10},
};

static int level_of(const struct token *token)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (token->kind == TOKEN_MARK && token_is(token, operators[i].mark))
            return operators[i].level;
    }
    return 0;
}

/* INT64_MIN / -1 wraps as all else does. */
static int64_t divide(struct evaluator *e, int64_t a, int64_t b, bool want_rest)
{
    if (b == 0) {
        fail(e, "division by zero");
        return 0;
    }
    if (b == -1)
        return want_rest ? 0 : (int64_t)(0 - (uint64_t)a);
    return want_rest ? a % b : a / b;
}

static int64_t apply(struct evaluator *e, const char *mark, int64_t a, int64_t b)
{
    uint64_t ua = (uint64_t)a, ub = (uint64_t)b;

    switch (mark[0]) {
    case '|':
        return mark[1] ? a || b : a | b;
    case '&':
        return mark[1] ? a && b : a & b;
    case '^':
        return a ^ b;
    case '=':
        return a == b;
    case '!':
        return a != b;
    case '<':
        return mark[1] == '<' ? (int64_t)(ua << (ub & 63)) : mark[1] ? a <= b : a < b;
    case '>':
        return mark[1] == '>' ? a >> (ub & 63) : mark[1] ? a >= b : a > b;
    case '+':
        return (int64_t)(ua + ub);
    case '-':
        return (int64_t)(ua - ub);
    case '*':
        return (int64_t)(ua * ub);
    default:
        return divide(e, a, b, mark[0] == '%');
    }
}

/* binary(n) = unary (operator-of-level->=n binary(its level + 1))* */
static int64_t binary(struct evaluator *e, int least)
{
    int64_t value = unary(e);

    while (!e->failed && level_of(e->at) >= least) {
        const char *mark = e->at->text;
        int level = level_of(e->at);
        int64_t right;

        e->at = e->at->next;
        right = binary(e, level + 1); /* at most one call for each of the ten levels */
        value = apply(e, mark, value, right);
    }
    return value;
}

/* conditional = binary ("?" conditional ":" conditional)? */
static int64_t conditional(struct evaluator *e)
{
    int64_t value = binary(e, 1), yes, no;

    if (!accept(e, "?"))
        return value;
    if (++e->depth > EDL_PAREN_DEPTH_MAX) {
        fail(e, "this expression is nested too deeply");
        return 0;
    }
    yes = conditional(e);
    if (!accept(e, ":"))
        fail(e, "expected ':'");
    no = e->failed ? 0 : conditional(e);
    e->depth--;
    return value ? yes : no;
}

int64_t expression(struct edl *edl, const struct token *token, struct place place)
{
    struct evaluator e = {.edl = edl, .at = token, .directive = place};
    int64_t value = conditional(&e);

    if (e.at->kind != TOKEN_END)
        fail(&e, "the expression should end here");
    return e.failed ? 0 : value;
}
