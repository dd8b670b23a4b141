/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - from text to words: the lexer and the preprocessor
 */
#ifndef EDL_TOKEN_H
#define EDL_TOKEN_H

#include <stdint.h>

#include "edl.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_MARK, /* punctuation, also what the language has no use for */
};

struct token {
    enum token_kind kind;
    const char *text; /* a name's one copy (edl_name); a string without its quotes; a mark */
    uint64_t number;
    struct place place;
    bool starts_line; /* the first on its line */
    bool touches;     /* no blank between it and the token before */
    struct token *next;
};

/*
 * lex() - all tokens of a file, a TOKEN_END last
 *
 * What cannot be a token is reported and left out. Marks that EDL does not know are tokens all the
 * same: the preprocessor may skip them.
 */
struct token *lex(struct edl *edl, const struct source *source);

/* The text equals. Marks and names only; a string is never equal to anything. */
bool token_is(const struct token *token, const char *text);

/*
 * preprocess() - a file's tokens after directives and macros
 *
 * Directives: define (without parameters), undef, ifdef, ifndef, if, elif, else, endif, include
 * "file", error, warning; pragma and line are left out. A token that comes from a macro has the
 * place where the macro's name stands.
 */
struct token *preprocess(struct edl *edl, const struct source *source);

/* ------------------------------------------------------- between preprocess.c and its helpers */

struct macro {
    struct token *body; /* up to TOKEN_END */
    bool busy;          /* being expanded: its own name stands for itself */
};

/* A list that tokens are appended to. */
struct token_list {
    struct token *first, **end;
};
void token_append(struct edl *edl, struct token_list *list, const struct token *token);

/* A TOKEN_END of its own. */
struct token *token_end(struct edl *edl, struct place place);

/*
 * expression() - the value of an #if
 * @token: expanded, `defined` already replaced; up to TOKEN_END
 * @place: the directive
 *
 * 64-bit, wrapping. Names are 0. Wrong expressions are reported and 0.
 */
int64_t expression(struct edl *edl, const struct token *token, struct place place);

#endif
