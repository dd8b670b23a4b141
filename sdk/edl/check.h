/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - does an interface make sense?
 *
 * The checks report, and complete the tree: what tags and size= mean, which structures are copied
 * with what they point to. The generators may rely on all of it once no error was reported.
 */
#ifndef EDL_CHECK_H
#define EDL_CHECK_H

#include "edl.h"
#include "tree.h"

/*
 * check() - everything
 * @headers_only: then an interface without a public ecall is no error: it may be part of another
 */
void check(struct edl *edl, struct interface *interface, bool headers_only);

/* ------------------------------------------------------- between the checks' files */

struct checker {
    struct edl *edl;
    struct interface *interface;
    struct map composites; /* tag -> struct composite */
    struct map declared;   /* every name at file scope -> struct place */
    struct map ecalls;     /* name -> struct function */
};

/* check_name.c: can C and C++ use this name? `what` is "an ecall", "a member", ... */
void check_name(struct checker *c, const char *name, struct place place, const char *what);

/* The same for names at file scope, which must also be new. */
void check_declaration(struct checker *c, const char *name, struct place place, const char *what);

/* Each name of the list once. */
void check_distinct(struct checker *c, const struct variable *list, const char *what);

/* check_type.c */
void check_composites(struct checker *c);

/* Sets type->composite. Complains of void unless it is allowed. */
void check_type(struct checker *c, struct type *type, bool may_be_void, const char *what);

/* A structure passed by value: it may hold no pointers that should be followed. */
void check_by_value(struct checker *c, const struct type *type, struct place place);

/* check_attributes.c */
void check_parameter(struct checker *c, struct variable *v, struct function *f);
void check_member_attributes(struct checker *c, struct variable *v, struct composite *composite);

#endif
