/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h - the grammar
 *
 * docs/edl.md has it as a whole; each function of the parser carries its rule.
 */
#ifndef EDL_PARSE_H
#define EDL_PARSE_H

#include "token.h"
#include "tree.h"

/*
 * parse() - one file
 * @token: what preprocess() gave
 *
 * Always a module. Each statement that is wrong is reported once and left out, so that the rest can
 * be checked as well.
 */
struct module *parse(struct edl *edl, const struct source *source, const struct token *token);

/* ------------------------------------------------------- between the parser's files */

struct parser {
    struct edl *edl;
    const struct token *at;
    struct place last; /* the token before */
    int depth;         /* braces that are open */
    bool failed;       /* in the statement at hand: be silent, go to its end */
};

/* The token has this text and is taken. */
bool parse_accept(struct parser *p, const char *text);

/* The same, or an error. false from then on until the statement ends. */
bool parse_expect(struct parser *p, const char *text);

/* An identifier, or an error and NULL. `what` names it in the error: "a parameter's name". */
const char *parse_name(struct parser *p, const char *what, struct place *ret_place);

/* Errors of the statement at hand: the first is printed. */
__attribute__((format(printf, 3, 4))) void parse_fail(struct parser *p, struct place place,
                                                      const char *format, ...);

/* "unexpected X, expected ..." at the token at hand. */
void parse_unexpected(struct parser *p, const char *expected);

/* parse_type.c */
struct type parse_type(struct parser *p);
struct variable *parse_variable(struct parser *p, const char *what);
struct composite *parse_composite(struct parser *p);

/* parse_attributes.c */
struct attributes parse_attributes(struct parser *p);

/* parse_function.c */
struct function *parse_function(struct parser *p, bool is_trusted);

#endif
