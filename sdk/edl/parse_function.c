/* SPDX-License-Identifier: Apache-2.0 */
/* parse_function.c - declarations of functions */
#include "parse.h"

/* parameters = "(" ("void" | variable ("," variable)*)? ")" */
static void parameters(struct parser *p, struct function *f)
{
    struct variable **end = &f->parameters;

    if (!parse_expect(p, "("))
        return;
    if (token_is(p->at, "void") && token_is(p->at->next, ")"))
        parse_accept(p, "void");
    if (parse_accept(p, ")"))
        return;
    do {
        *end = parse_variable(p, "a parameter's name");
        end = &(*end)->next;
    } while (parse_accept(p, ","));
    if (!p->failed && !token_is(p->at, ")"))
        parse_unexpected(p, "',' or ')'");
    parse_expect(p, ")");
}

/* function = attributes? type NAME parameters */
struct function *parse_function(struct parser *p, bool is_trusted)
{
    struct function *f = arena_alloc(&p->edl->arena, sizeof *f);

    f->is_trusted = is_trusted;
    f->attributes = parse_attributes(p);
    f->result = parse_type(p);
    if (!p->failed && token_is(p->at, "[")) {
        parse_fail(p, p->at->place, "a function cannot return an array");
        report_hint(&p->edl->report, "give it an [out] parameter");
    }
    f->name = parse_name(p, "a function's name", &f->place);
    parameters(p, f);
    return f;
}
