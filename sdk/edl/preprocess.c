/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preprocess.c - see token.h
 *
 * Of C's preprocessor, what interface files use: conditions, constants, included text. Macros do
 * not cross an import: each imported file starts from the command line's definitions.
 */
#include <string.h>

#include "token.h"

/* One #if that is open. */
struct condition {
    struct place place;
    bool outer;   /* what surrounds it is compiled */
    bool now;     /* this branch is */
    bool taken;   /* some branch was */
    bool in_else; /* no further branch may follow */
    struct condition *below;
};

struct preprocessor {
    struct edl *edl;
    struct map macros;
    struct token_list out;
    struct condition *open;
    unsigned include_depth;
    bool exhausted; /* the bound on tokens was reached and reported */
};

static bool compiling(const struct preprocessor *p)
{
    return !p->open || (p->open->outer && p->open->now);
}

/* ------------------------------------------------------------------ macros */

static void expand(struct preprocessor *p, struct token_list *out, const struct token *token,
                   const struct place *as, unsigned depth)
{
    struct macro *macro = token->kind == TOKEN_NAME ? map_get(&p->macros, token->text) : NULL;
    struct token copy = *token;

    if (p->exhausted)
        return;
    if (as)
        copy.place = *as;
    /* Counted here too: macros that expand to nothing take time all the same. */
    if (++p->edl->tokens >= EDL_TOKENS_MAX || depth > EDL_MACRO_DEPTH_MAX) {
        report_error(&p->edl->report, copy.place, "this macro expands to too much");
        p->exhausted = true;
        return;
    }
    if (!macro || macro->busy) {
        token_append(p->edl, out, &copy);
        return;
    }
    macro->busy = true;
    for (const struct token *t = macro->body; t->kind != TOKEN_END; t = t->next)
        expand(p, out, t, &copy.place, depth + 1);
    macro->busy = false;
}

static void define(struct preprocessor *p, const char *name, struct token *body)
{
    struct macro *macro = arena_alloc(&p->edl->arena, sizeof *macro);

    macro->body = body;
    map_set(&p->macros, &p->edl->arena, name, macro);
}

/* A text that no file holds, such as an option's. */
static struct token *lex_text(struct edl *edl, const char *name, const char *text)
{
    struct source *source = arena_alloc(&edl->arena, sizeof *source);

    source->name = name;
    source->text = text;
    source->size = strlen(text);
    return lex(edl, source);
}

static void define_from_options(struct preprocessor *p)
{
    static const char *const always[] = {"__x86_64__=1", "__linux__=1", "__EDL__=1"};
    struct edl *edl = p->edl;

    for (size_t i = 0; i < sizeof always / sizeof *always + edl->define_count; i++) {
        size_t own = sizeof always / sizeof *always;
        const char *text = i < own ? always[i] : edl->defines[i - own];
        const char *equals = strchr(text, '=');
        size_t size = equals ? (size_t)(equals - text) : strlen(text);

        define(p, edl_name(edl, text, size),
               lex_text(edl, "<command line>", equals ? equals + 1 : "1"));
    }
}

/* ------------------------------------------------------------------ directives */

/* Cuts the rest of the line off; returns it, and in *next what follows. */
static struct token *take_line(struct preprocessor *p, struct token *token, struct token **next)
{
    struct token *first = token, **end = &first;

    while ((*end)->kind != TOKEN_END && !(*end)->starts_line)
        end = &(*end)->next;
    *next = *end;
    *end = token_end(p->edl, (*end)->place);
    return first;
}

static void expect_line_end(struct preprocessor *p, const struct token *token)
{
    if (token->kind != TOKEN_END)
        report_error(&p->edl->report, token->place, "the directive should end here");
}

static bool expect_macro_name(struct preprocessor *p, const struct token *token,
                              struct place directive)
{
    if (token->kind == TOKEN_NAME)
        return true;
    report_error(&p->edl->report, token->kind == TOKEN_END ? directive : token->place,
                 "expected the name of a macro");
    return false;
}

/* `defined X` and `defined(X)` become 1 or 0, all else is expanded. */
static struct token *expand_condition(struct preprocessor *p, const struct token *t)
{
    struct token_list list = {.end = &list.first};

    while (t->kind != TOKEN_END) {
        const struct token *name;
        struct token number = *t;

        if (!token_is(t, "defined")) {
            expand(p, &list, t, NULL, 0);
            t = t->next;
            continue;
        }
        name = token_is(t->next, "(") ? t->next->next : t->next;
        if (name->kind != TOKEN_NAME || (name != t->next && !token_is(name->next, ")"))) {
            report_error(&p->edl->report, t->place, "expected a name behind 'defined'");
            number.kind = TOKEN_NUMBER;
            token_append(p->edl, &list, &number);
            break;
        }
        number.kind = TOKEN_NUMBER;
        number.number = map_get(&p->macros, name->text) != NULL;
        token_append(p->edl, &list, &number);
        t = name == t->next ? name->next : name->next->next;
    }
    *list.end = token_end(p->edl, t->place);
    return list.first;
}

static bool condition_holds(struct preprocessor *p, const char *kind, const struct token *line,
                            struct place place)
{
    if (strcmp(kind, "if") == 0 || strcmp(kind, "elif") == 0)
        return expression(p->edl, expand_condition(p, line), place) != 0;
    if (!expect_macro_name(p, line, place))
        return false;
    expect_line_end(p, line->next);
    return (map_get(&p->macros, line->text) != NULL) == (strcmp(kind, "ifdef") == 0);
}

static void open_condition(struct preprocessor *p, const char *kind, const struct token *line,
                           struct place place)
{
    struct condition *c = arena_alloc(&p->edl->arena, sizeof *c);

    c->place = place;
    c->outer = compiling(p);
    c->now = c->outer && condition_holds(p, kind, line, place);
    c->taken = c->now;
    c->below = p->open;
    p->open = c;
}

static void next_branch(struct preprocessor *p, const char *kind, const struct token *line,
                        struct place place)
{
    struct condition *c = p->open;
    bool is_else = strcmp(kind, "else") == 0;

    if (!c) {
        report_error(&p->edl->report, place, "#%s without #if", kind);
        return;
    }
    if (c->in_else) {
        report_error(&p->edl->report, place, "#%s behind #else", kind);
        report_note(&p->edl->report, c->place, "the #if is here");
        return;
    }
    if (is_else)
        expect_line_end(p, line);
    c->in_else = is_else;
    c->now = c->outer && !c->taken && (is_else || condition_holds(p, kind, line, place));
    c->taken |= c->now;
}

static void close_condition(struct preprocessor *p, const struct token *line, struct place place)
{
    if (!p->open)
        report_error(&p->edl->report, place, "#endif without #if");
    else
        p->open = p->open->below;
    expect_line_end(p, line);
}

static void define_directive(struct preprocessor *p, struct token *line, struct place place)
{
    if (!expect_macro_name(p, line, place))
        return;
    if (token_is(line->next, "(") && line->next->touches) {
        report_error(&p->edl->report, line->place, "macros with parameters are not for EDL files");
        return;
    }
    define(p, line->text, line->next);
}

static void message(struct preprocessor *p, const struct token *line, struct place place,
                    bool is_error)
{
    struct place text = line->place;
    const char *said = "";

    for (const struct token *t = line; t->kind != TOKEN_END; t = t->next)
        text = place_join(text, t->place);
    if (line->kind != TOKEN_END)
        said = arena_copy(&p->edl->arena, text.source->text + text.offset, text.size);
    if (is_error)
        report_error(&p->edl->report, place, "#error %s", said);
    else
        report_note(&p->edl->report, place, "#warning %s", said);
}

static void run(struct preprocessor *p, const struct source *source);

static void include_directive(struct preprocessor *p, const struct token *line, struct place place)
{
    struct source *source;

    if (line->kind != TOKEN_STRING) {
        report_error(&p->edl->report, place, "#include takes a file name in quotes");
        report_hint(&p->edl->report, "a C header is named by: include \"header.h\", without '#'");
        return;
    }
    expect_line_end(p, line->next);
    if (p->include_depth == EDL_INCLUDE_DEPTH_MAX) {
        report_error(&p->edl->report, line->place, "files include each other too deeply");
        return;
    }
    source = edl_open(p->edl, line->text, line->place.source, line->place);
    if (!source)
        return;
    p->include_depth++;
    run(p, source);
    p->include_depth--;
}

/* Those that are obeyed only where the text is compiled. */
static void act(struct preprocessor *p, const struct token *name, struct token *line)
{
    struct place place = name->place;

    if (token_is(name, "define"))
        define_directive(p, line, place);
    else if (token_is(name, "undef") && expect_macro_name(p, line, place))
        map_set(&p->macros, &p->edl->arena, line->text, NULL);
    else if (token_is(name, "include"))
        include_directive(p, line, place);
    else if (token_is(name, "error") || token_is(name, "warning"))
        message(p, line, place, token_is(name, "error"));
    else if (!token_is(name, "undef") && !token_is(name, "pragma") && !token_is(name, "line"))
        report_error(&p->edl->report, place, "unknown directive '#%s'", name->text);
}

/* hash is a '#' that starts a line; returns what follows the line. */
static struct token *directive(struct preprocessor *p, struct token *hash)
{
    struct token *next, *line = take_line(p, hash->next, &next), *name = line;

    if (name->kind == TOKEN_END)
        return next;
    line = line->next;
    if (token_is(name, "if") || token_is(name, "ifdef") || token_is(name, "ifndef"))
        open_condition(p, name->text, line, name->place);
    else if (token_is(name, "elif") || token_is(name, "else"))
        next_branch(p, name->text, line, name->place);
    else if (token_is(name, "endif"))
        close_condition(p, line, name->place);
    else if (compiling(p))
        act(p, name, line);
    return next;
}

/* Conditions belong to the file that they stand in. */
static void run(struct preprocessor *p, const struct source *source)
{
    struct condition *outside = p->open;
    struct token *token = lex(p->edl, source);

    p->open = NULL;
    while (token->kind != TOKEN_END) {
        if (token->starts_line && token_is(token, "#")) {
            token = directive(p, token);
            continue;
        }
        if (compiling(p))
            expand(p, &p->out, token, NULL, 0);
        token = token->next;
    }
    for (; p->open; p->open = p->open->below)
        report_error(&p->edl->report, p->open->place, "this condition has no #endif");
    p->open = outside;
}

struct token *preprocess(struct edl *edl, const struct source *source)
{
    struct preprocessor p = {.edl = edl};
    struct place end = {source, (unsigned)source->size, 0};

    p.out.end = &p.out.first;
    define_from_options(&p);
    run(&p, source);
    *p.out.end = token_end(edl, end);
    return p.out.first;
}
