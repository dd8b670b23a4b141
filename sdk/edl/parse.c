/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - files, statements, and how to go on after an error; see parse.h */
#include "parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ words */

static void advance(struct parser *p)
{
    p->last = p->at->place;
    if (token_is(p->at, "{"))
        p->depth++;
    if (token_is(p->at, "}"))
        p->depth--;
    if (p->at->kind != TOKEN_END)
        p->at = p->at->next;
}

void parse_fail(struct parser *p, struct place place, const char *format, ...)
{
    char text[400];
    va_list args;

    if (p->failed) {
        p->edl->report.muted = true; /* its hint too */
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report_error(&p->edl->report, place, "%s", text);
    p->failed = true;
}

/* The token before did not end or begin one. */
static bool in_statement(const struct parser *p)
{
    const struct place *last = &p->last;

    return last->source && last->source == p->at->place.source && last->size &&
           !strchr(";{", last->source->text[last->offset]);
}

void parse_unexpected(struct parser *p, const char *expected)
{
    struct place behind = p->last;

    if (p->at->kind == TOKEN_END) {
        parse_fail(p, p->at->place, "unexpected end of the file, expected %s", expected);
    } else if (p->at->starts_line && in_statement(p)) {
        /* What is missing is missing there, not at whatever the next line begins with. */
        behind.offset += behind.size;
        behind.size = 1;
        parse_fail(p, behind, "expected %s here", expected);
    } else {
        parse_fail(p, p->at->place, "unexpected '%.60s', expected %s", p->at->text, expected);
    }
}

bool parse_accept(struct parser *p, const char *text)
{
    if (p->failed || !token_is(p->at, text))
        return false;
    advance(p);
    return true;
}

bool parse_expect(struct parser *p, const char *text)
{
    char quoted[40];

    if (p->failed)
        return false;
    if (parse_accept(p, text))
        return true;
    snprintf(quoted, sizeof quoted, "'%s'", text);
    parse_unexpected(p, quoted);
    return false;
}

static bool is_keyword(const char *name)
{
    static const char *const keywords[] = {
        "char",
        "short",
        "int",
        "long",
        "unsigned",
        "float",
        "double",
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "size_t",
        "wchar_t",
        "uint64_t",
        "void",
        "const",
        "struct",
        "union",
        "enum",
        "enclave",
        "trusted",
        "from",
        "import",
        "include",
        "allow",
        "public",
        "untrusted",
        "propagate_errno",
        "transition_using_threads",
    };

    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (strcmp(name, keywords[i]) == 0)
            return true;
    }
    return false;
}

const char *parse_name(struct parser *p, const char *what, struct place *ret_place)
{
    const char *name = p->at->text;

    if (p->failed)
        return NULL;
    if (p->at->kind != TOKEN_NAME) {
        parse_unexpected(p, what);
        return NULL;
    }
    if (is_keyword(name)) {
        parse_fail(p, p->at->place, "'%s' is a word of the language and cannot be %s", name, what);
        return NULL;
    }
    if (ret_place)
        *ret_place = p->at->place;
    advance(p);
    return name;
}

static const char *string(struct parser *p, const char *what, struct place *ret_place)
{
    const char *text = p->at->text;

    if (p->failed)
        return NULL;
    if (p->at->kind != TOKEN_STRING) {
        parse_unexpected(p, what);
        return NULL;
    }
    if (!*text) {
        parse_fail(p, p->at->place, "this name is empty");
        return NULL;
    }
    *ret_place = p->at->place;
    advance(p);
    return text;
}

/*
 * To where the next statement of a block may begin: behind the ';' of this one, or in front of the
 * '}' that closes the block. At the file's end there is nothing more to say.
 */
static void recover(struct parser *p, int depth)
{
    for (; p->at->kind != TOKEN_END; advance(p)) {
        if (p->depth > depth)
            continue;
        p->failed = false;
        if (token_is(p->at, "}") || parse_accept(p, ";"))
            return;
        p->failed = true;
    }
}

/* ------------------------------------------------------------------ statements */

/* name_list = NAME ("," NAME)* */
static struct name_list *name_list(struct parser *p, const char *what)
{
    struct name_list *first = NULL, **end = &first;

    do {
        struct name_list *entry = arena_alloc(&p->edl->arena, sizeof *entry);

        entry->name = parse_name(p, what, &entry->place);
        if (!entry->name)
            break;
        *end = entry;
        end = &entry->next;
    } while (parse_accept(p, ","));
    return first;
}

/* include = "include" STRING */
static void include(struct parser *p, struct module *module, bool trusted, bool untrusted)
{
    struct include **end = &module->includes, *entry = arena_alloc(&p->edl->arena, sizeof *entry);
    struct place place;

    entry->name = string(p, "a header's name in quotes", &place);
    entry->for_trusted = trusted;
    entry->for_untrusted = untrusted;
    if (!entry->name)
        return;
    if (strpbrk(entry->name, "\\\r\n")) {
        parse_fail(p, place, "a header's name cannot hold a backslash or a line's end");
        return;
    }
    parse_accept(p, ";"); /* not asked for, but often written */
    while (*end)
        end = &(*end)->next;
    *end = entry;
}

/* import = "from" STRING "import" ("*" | name_list) ";" */
static void import(struct parser *p, struct module *module)
{
    struct import **end = &module->imports, *entry = arena_alloc(&p->edl->arena, sizeof *entry);

    entry->path = string(p, "the EDL file's name in quotes", &entry->place);
    parse_expect(p, "import");
    if (!parse_accept(p, "*"))
        entry->names = name_list(p, "a function's name or '*'");
    if (!parse_expect(p, ";"))
        return;
    while (*end)
        end = &(*end)->next;
    *end = entry;
}

/* allow = "allow" "(" name_list? ")" */
static struct name_list *allow(struct parser *p)
{
    struct name_list *list = NULL;

    if (!parse_accept(p, "allow") || !parse_expect(p, "("))
        return NULL;
    if (!token_is(p->at, ")"))
        list = name_list(p, "an ecall's name");
    parse_expect(p, ")");
    return list;
}

static void once(struct parser *p, bool *flag)
{
    if (*flag)
        parse_fail(p, p->last, "'%.*s' is said twice", (int)p->last.size,
                   p->last.source->text + p->last.offset);
    *flag = true;
}

/* ecall = "public"? function "transition_using_threads"? ";" */
/* ocall = attributes? function allow? ("propagate_errno" | "transition_using_threads")* ";" */
static struct function *entry(struct parser *p, bool is_trusted)
{
    bool is_public = parse_accept(p, "public");
    struct place public_place = p->last;
    struct function *f = parse_function(p, is_trusted);

    f->is_public = is_public;
    if (is_public && !is_trusted)
        parse_fail(p, public_place, "an ocall cannot be 'public': only ecalls can be entered");
    if (is_trusted && token_is(p->at, "allow"))
        parse_fail(p, p->at->place, "only an ocall has a list of ecalls to 'allow'");
    if (is_trusted && token_is(p->at, "propagate_errno"))
        parse_fail(p, p->at->place, "only an ocall can 'propagate_errno'");
    f->allow = allow(p);
    for (;;) {
        if (parse_accept(p, "propagate_errno"))
            once(p, &f->propagates_errno);
        else if (parse_accept(p, "transition_using_threads"))
            once(p, &f->is_switchless);
        else
            break;
    }
    if (!p->failed && !token_is(p->at, ";"))
        parse_unexpected(p, is_trusted ? "';' or 'transition_using_threads'"
                                       : "';', 'allow', 'propagate_errno' or "
                                         "'transition_using_threads'");
    parse_accept(p, ";");
    return f;
}

/* functions = ("trusted" | "untrusted") "{" (include | ecall | ocall)* "}" ";" */
static void functions(struct parser *p, struct module *module, bool is_trusted,
                      struct function ***end)
{
    parse_expect(p, "{");
    while (!p->failed && p->at->kind != TOKEN_END && !token_is(p->at, "}")) {
        if (parse_accept(p, "include")) {
            include(p, module, is_trusted, !is_trusted);
        } else {
            struct function *f = entry(p, is_trusted);

            if (!p->failed) {
                **end = f;
                *end = &f->next;
            }
        }
        if (p->failed)
            recover(p, 2);
    }
    parse_expect(p, "}");
    parse_expect(p, ";");
}

static bool at_composite(const struct parser *p)
{
    return token_is(p->at, "struct") || token_is(p->at, "union") || token_is(p->at, "enum");
}

/* statement = include | import | composite ";" | functions */
static void statement(struct parser *p, struct module *module, struct composite ***composites,
                      struct function ***end)
{
    if (parse_accept(p, "include")) {
        include(p, module, true, true);
    } else if (parse_accept(p, "from")) {
        import(p, module);
    } else if (parse_accept(p, "trusted")) {
        functions(p, module, true, end);
    } else if (parse_accept(p, "untrusted")) {
        functions(p, module, false, end);
    } else if (at_composite(p)) {
        struct composite *c = parse_composite(p);

        if (parse_expect(p, ";")) {
            **composites = c;
            *composites = &c->next;
        }
    } else {
        parse_unexpected(p, "'trusted', 'untrusted', 'include', 'from', 'struct', 'union' or "
                            "'enum'");
    }
}

/* file = "enclave" "{" statement* "}" ";" */
struct module *parse(struct edl *edl, const struct source *source, const struct token *token)
{
    struct parser p = {.edl = edl, .at = token};
    struct module *module = arena_alloc(&edl->arena, sizeof *module);
    struct composite **composites = &module->composites;
    struct function **end = &module->functions;

    module->source = source;
    parse_expect(&p, "enclave");
    parse_expect(&p, "{");
    if (p.failed)
        return module;
    while (p.at->kind != TOKEN_END && !token_is(p.at, "}")) {
        statement(&p, module, &composites, &end);
        if (p.failed)
            recover(&p, 1);
    }
    parse_expect(&p, "}");
    parse_expect(&p, ";");
    if (!p.failed && p.at->kind != TOKEN_END)
        parse_fail(&p, p.at->place, "nothing may follow the enclave's '};'");
    return module;
}
