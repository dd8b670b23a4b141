/* SPDX-License-Identifier: Apache-2.0 */
/* lex.c - see token.h */
#include <ctype.h>
#include <string.h>

#include "token.h"

struct lexer {
    struct edl *edl;
    const struct source *source;
    size_t at;
    bool starts_line, touches; /* of the next token */
    struct token_list tokens;
};

static struct place place_at(const struct lexer *l, size_t start, size_t size)
{
    return (struct place){l->source, (unsigned)start, (unsigned)size};
}

/* NUL behind the end. */
static char peek(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->source->size ? l->source->text[l->at + ahead] : '\0';
}

static bool at_end(const struct lexer *l)
{
    return l->at >= l->source->size;
}

void token_append(struct edl *edl, struct token_list *list, const struct token *token)
{
    struct token *copy = arena_alloc(&edl->arena, sizeof *copy);

    *copy = *token;
    copy->next = NULL;
    *list->end = copy;
    list->end = &copy->next;
    edl->tokens++;
}

struct token *token_end(struct edl *edl, struct place place)
{
    struct token *end = arena_alloc(&edl->arena, sizeof *end);

    *end = (struct token){.kind = TOKEN_END, .text = "", .place = place, .starts_line = true};
    return end;
}

bool token_is(const struct token *token, const char *text)
{
    return (token->kind == TOKEN_NAME || token->kind == TOKEN_MARK) &&
           strcmp(token->text, text) == 0;
}

static void add(struct lexer *l, enum token_kind kind, const char *text, uint64_t number,
                size_t start)
{
    struct token token = {
        .kind = kind,
        .text = text,
        .number = number,
        .place = place_at(l, start, l->at - start),
        .starts_line = l->starts_line,
        .touches = l->touches,
    };

    token_append(l->edl, &l->tokens, &token);
    l->starts_line = false;
    l->touches = true;
}

static void skip_comment(struct lexer *l)
{
    size_t start = l->at;

    l->at += 2;
    while (!at_end(l) && !(peek(l, 0) == '*' && peek(l, 1) == '/')) {
        if (peek(l, 0) == '\n')
            l->starts_line = true;
        l->at++;
    }
    if (at_end(l)) {
        report_error(&l->edl->report, place_at(l, start, 2), "this comment has no end");
        return;
    }
    l->at += 2;
}

/* true: something was skipped */
static bool skip_blank(struct lexer *l)
{
    char c = peek(l, 0);

    if (at_end(l))
        return false;
    if (c == '\n')
        l->starts_line = true;
    if (c == '\n' || c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
        l->at++;
    } else if (c == '\\' && (peek(l, 1) == '\n' || (peek(l, 1) == '\r' && peek(l, 2) == '\n'))) {
        l->at += peek(l, 1) == '\n' ? 2 : 3; /* a line that goes on */
    } else if (c == '/' && peek(l, 1) == '/') {
        while (!at_end(l) && peek(l, 0) != '\n')
            l->at++;
    } else if (c == '/' && peek(l, 1) == '*') {
        skip_comment(l);
    } else {
        return false;
    }
    l->touches = false;
    return true;
}

static bool is_name_part(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void lex_name(struct lexer *l)
{
    size_t start = l->at;

    while (is_name_part(peek(l, 0)))
        l->at++;
    add(l, TOKEN_NAME, edl_name(l->edl, l->source->text + start, l->at - start), 0, start);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* What #if needs of C's suffixes. */
static bool is_suffix(const char *text, size_t size)
{
    return size <= 3 && strspn(text, "uUlL") >= size;
}

static void lex_number(struct lexer *l)
{
    size_t start = l->at, digits;
    unsigned base = 10;
    uint64_t value = 0;
    bool too_big = false;

    if (peek(l, 0) == '0' && (peek(l, 1) | 0x20) == 'x' && digit_of(peek(l, 2)) < 16) {
        base = 16;
        l->at += 2;
    }
    digits = l->at;
    for (; digit_of(peek(l, 0)) < (int)base; l->at++) {
        too_big |= __builtin_mul_overflow(value, base, &value);
        too_big |= __builtin_add_overflow(value, (unsigned)digit_of(peek(l, 0)), &value);
    }
    if (base == 10 && l->at - digits > 1 && l->source->text[digits] == '0')
        report_warning(&l->edl->report, WARN_OCTAL, place_at(l, start, l->at - start),
                       "this is decimal, whatever its leading zero means in C");
    digits = l->at;
    while (is_name_part(peek(l, 0)))
        l->at++;
    if (!is_suffix(l->source->text + digits, l->at - digits))
        report_error(&l->edl->report, place_at(l, start, l->at - start),
                     "this is neither a number nor a name");
    else if (too_big)
        report_error(&l->edl->report, place_at(l, start, l->at - start),
                     "this number does not fit 64 bits");
    add(l, TOKEN_NUMBER, arena_copy(&l->edl->arena, l->source->text + start, l->at - start), value,
        start);
}

static void lex_string(struct lexer *l)
{
    size_t start = l->at++;

    while (!at_end(l) && peek(l, 0) != '"' && peek(l, 0) != '\n')
        l->at++;
    if (at_end(l) || peek(l, 0) == '\n') {
        report_error(&l->edl->report, place_at(l, start, 1), "this string has no end on its line");
        return;
    }
    l->at++;
    add(l, TOKEN_STRING, arena_copy(&l->edl->arena, l->source->text + start + 1, l->at - start - 2),
        0, start);
}

static void lex_mark(struct lexer *l)
{
    static const char *const pairs[] = {"||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "##"};
    size_t start = l->at, size = 1;

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (peek(l, 0) == pairs[i][0] && peek(l, 1) == pairs[i][1])
            size = 2;
    }
    l->at += size;
    add(l, TOKEN_MARK, edl_name(l->edl, l->source->text + start, size), 0, start);
}

struct token *lex(struct edl *edl, const struct source *source)
{
    struct lexer l = {.edl = edl, .source = source, .starts_line = true};

    l.tokens.end = &l.tokens.first;
    while (edl->tokens < EDL_TOKENS_MAX) {
        char c;

        if (skip_blank(&l))
            continue;
        if (at_end(&l))
            break;
        c = peek(&l, 0);
        if (is_name_part(c) && !isdigit((unsigned char)c))
            lex_name(&l);
        else if (isdigit((unsigned char)c))
            lex_number(&l);
        else if (c == '"')
            lex_string(&l);
        else
            lex_mark(&l);
    }
    if (!at_end(&l))
        report_error(&edl->report, place_at(&l, l.at, 1), "the input is too long");
    *l.tokens.end = token_end(edl, place_at(&l, source->size, 0));
    return l.tokens.first;
}
