/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - what an EDL file says, as the parser leaves it and the checks complete it
 *
 * Lists are in the order of the text. Names are edl_name()s: equal names are equal pointers.
 */
#ifndef EDL_TREE_H
#define EDL_TREE_H

#include <stdint.h>

#include "source.h"

enum type_kind {
    TYPE_VOID,
    TYPE_CHAR,    /* char, signed or not: what [string] points to is plain char */
    TYPE_WCHAR,   /* wchar_t */
    TYPE_INTEGER, /* every other integer type that EDL knows */
    TYPE_FLOAT,
    TYPE_STRUCT,
    TYPE_UNION,
    TYPE_ENUM,
    TYPE_FOREIGN, /* a name that some C header explains */
};

struct type {
    enum type_kind kind;
    const char *base; /* C's spelling without stars: "unsigned int", "struct point", "buffer_t" */
    const char *tag;  /* of struct, union, enum; a foreign type's name */
    unsigned stars;
    bool is_const; /* what the pointer points to is */
    bool is_signed;
    struct composite *composite; /* what the tag means, if EDL defines it; set by the checks */
    struct place place;
};

enum attribute {
    ATTR_IN,
    ATTR_OUT,
    ATTR_USER_CHECK,
    ATTR_STRING,
    ATTR_WSTRING,
    ATTR_SIZE,
    ATTR_COUNT,
    ATTR_SIZEFUNC,
    ATTR_ISPTR,
    ATTR_ISARY,
    ATTR_READONLY,
    ATTR_CDECL, /* from here on: of functions */
    ATTR_STDCALL,
    ATTR_FASTCALL,
    ATTR_DLLIMPORT,
    ATTR_COUNT_OF,
};

#define ATTR_BIT(a) (1u << (a))

extern const char *const attribute_names[ATTR_COUNT_OF + 1]; /* NULL at the end */

/* What size= and count= say. */
struct amount {
    const char *name; /* NULL: it is a number */
    uint64_t number;
    struct variable *names; /* the variable of that name; set by the checks */
    struct place place;
};

struct attributes {
    unsigned set;                      /* ATTR_BITs */
    struct place place;                /* from "[" to "]"; nowhere if there are none */
    struct place where[ATTR_COUNT_OF]; /* each that is set */
    struct amount size, count;
};

/* A parameter or a member. */
struct variable {
    const char *name;
    struct place place; /* of the name */
    struct type type;
    struct attributes attributes;
    unsigned dimension_count;
    uint64_t *dimension;
    struct variable *next;
};

struct enumerator {
    const char *name;
    struct place place;
    const char *value; /* C's spelling; NULL if none is given */
    struct enumerator *next;
};

struct composite {
    enum type_kind kind;
    const char *tag; /* NULL: an anonymous enum */
    struct place place;
    struct variable *members;       /* of struct and union */
    struct enumerator *enumerators; /* of enum */
    bool is_deep;                   /* a member carries size= or count=; set by the checks */
    bool is_checked;                /* the members above it in the file are known */
    unsigned deep_members;
    struct composite *next, *next_merged; /* in its file, in the interface */
};

struct name_list {
    const char *name;
    struct place place;
    struct name_list *next;
};

struct function {
    const char *name;
    struct place place;
    bool is_trusted; /* an ecall; else an ocall */
    bool is_public, is_switchless, propagates_errno;
    struct attributes attributes; /* of functions */
    struct type result;
    struct variable *parameters;
    struct name_list *allow;
    bool allowed;   /* of an ecall: some ocall allows it; set by the checks */
    unsigned index; /* in its table; set by the import stage */
    bool is_merged;
    struct function *next, *next_merged; /* in its file, in the interface */
};

struct include {
    const char *name;
    bool for_trusted, for_untrusted;
    struct include *next;
};

struct import {
    const char *path;
    struct place place;      /* of the path */
    struct name_list *names; /* NULL: all */
    struct module *module;   /* set by the import stage; NULL if it cannot be had */
    struct import *next;
};

/* One file. */
struct module {
    const struct source *source;
    struct include *includes;
    struct import *imports;
    struct composite *composites;
    struct function *functions;
    enum { MODULE_NEW, MODULE_OPEN, MODULE_DONE } state; /* of its imports */
    bool types_merged, functions_merged;
    unsigned visit; /* of the latest search that came by */
};

/* An enclave's interface: a file and what it imports, each thing once. Linked by next_merged. */
struct interface {
    const char *name;  /* of the file, without folder and extension */
    const char *ident; /* the same as a C identifier */
    struct include *includes;
    struct composite *composites;
    struct function *ecalls, *ocalls;
    unsigned ecall_count, ocall_count;
};

/* ------------------------------------------------------------------ questions that several ask */

static inline bool attr_has(const struct attributes *attributes, enum attribute which)
{
    return attributes->set & ATTR_BIT(which);
}

/* Passed by address: a pointer, an array, or a foreign type that is said to be one of these. */
static inline bool variable_is_pointer(const struct variable *v)
{
    return v->type.stars || v->dimension_count || attr_has(&v->attributes, ATTR_ISPTR) ||
           attr_has(&v->attributes, ATTR_ISARY);
}

/* Passed by address, and the generated code copies what is there. */
static inline bool variable_is_copied(const struct variable *v)
{
    return variable_is_pointer(v) &&
           (attr_has(&v->attributes, ATTR_IN) || attr_has(&v->attributes, ATTR_OUT));
}

static inline bool variable_is_string(const struct variable *v)
{
    return attr_has(&v->attributes, ATTR_STRING) || attr_has(&v->attributes, ATTR_WSTRING);
}

/* Copied, and so is what the structure's pointers lead to. */
static inline bool variable_is_deep(const struct variable *v)
{
    return variable_is_copied(v) && v->type.composite && v->type.composite->is_deep;
}

/* A member that leads to memory which comes along. */
static inline bool member_is_deep(const struct variable *member)
{
    return attr_has(&member->attributes, ATTR_SIZE) || attr_has(&member->attributes, ATTR_COUNT);
}

static inline bool type_is_void(const struct type *type)
{
    return type->kind == TYPE_VOID && !type->stars;
}

#endif
