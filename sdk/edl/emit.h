/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emit.h - lines of C, and C's spelling of what EDL declares
 */
#ifndef EDL_EMIT_H
#define EDL_EMIT_H

#include <stdio.h>

#include "edl.h"
#include "tree.h"

/* Where generated text goes. */
struct emit {
    FILE *out;
    struct arena *arena; /* for spellings */
    const struct interface *interface;
    unsigned indent;
    bool use_prefix; /* the host's ecalls are called NAME_ecall */
};

/* One line, indented; directives are not. */
__attribute__((format(printf, 2, 3))) void emit(struct emit *e, const char *format, ...);
void emit_blank(struct emit *e);

/* The line, and everything up to the matching emit_close() one step to the right. */
__attribute__((format(printf, 2, 3))) void emit_open(struct emit *e, const char *format, ...);
void emit_close(struct emit *e, const char *line);

/* ------------------------------------------------------------------ spelling; all in the arena */

/* "const char *", "struct point": ready to have a name put behind. */
const char *spell_type(struct emit *e, const struct type *type);

/* A variable's declaration, without ";": "const char *name", "int a[2][3]". */
const char *spell_variable(struct emit *e, const struct variable *v);

/* The same as a member of the marshalling structure, where arrays are pointers to elements. */
const char *spell_ms_member(struct emit *e, const struct variable *v);

/* `value`, a pointer to void, as what the function that has the parameter wants. */
const char *spell_argument(struct emit *e, const struct variable *v, const char *value);

/* What is in a pointer to one element of the parameter's memory: "int", "struct point", "void". */
const char *spell_pointer(struct emit *e, const struct variable *v);

/* "(size_t)6" for an array, else NULL: the elements that the declaration itself tells. */
const char *spell_elements(struct emit *e, const struct variable *v);

/* The name of the member that carries a string's length; no parameter's member is called so. */
const char *spell_length_member(struct emit *e, const struct function *f, const struct variable *v);

/*
 * spell_bytes() - how much memory belongs to a pointer, as an expression
 * @before: in front of the names of size= and count=: "ms.ms_", "item->", ""
 * @one:    an expression of the type of one element, which is not evaluated
 * @to:     where the product goes, an lvalue
 *
 * The expression is true if the product overflows or is negative.
 */
const char *spell_bytes(struct emit *e, const struct variable *v, const char *before,
                        const char *one, const char *to);

/* There is a marshalling structure: something is passed or returned. */
bool function_has_ms(const struct function *f);

/* "sgx_ocall" or "sgx_ocall_switchless". */
const char *spell_runtime(struct emit *e, const struct function *f, const char *name);

#endif
