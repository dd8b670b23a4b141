/* SPDX-License-Identifier: Apache-2.0 */
/* check_name.c - names that C or C++ cannot bear, and names that are there already */
#include <string.h>

#include "check.h"

static const char *const c_words[] = {
    "auto",          "break",    "case",      "char",
    "const",         "continue", "default",   "do",
    "double",        "else",     "enum",      "extern",
    "float",         "for",      "goto",      "if",
    "inline",        "int",      "long",      "register",
    "return",        "short",    "signed",    "sizeof",
    "restrict",      "static",   "struct",    "switch",
    "union",         "unsigned", "void",      "volatile",
    "typedef",       "while",    "asm",       "typeof",
    "_Bool",         "_Complex", "_Atomic",   "_Alignas",
    "_Alignof",      "_Generic", "_Noreturn", "_Static_assert",
    "_Thread_local",
};

static const char *const cpp_words[] = {
    "alignas",       "alignof",
    "and",           "and_eq",
    "bitand",        "bitor",
    "bool",          "catch",
    "char16_t",      "char32_t",
    "class",         "compl",
    "const_cast",    "constexpr",
    "decltype",      "delete",
    "dynamic_cast",  "explicit",
    "export",        "false",
    "friend",        "mutable",
    "namespace",     "new",
    "noexcept",      "not",
    "not_eq",        "nullptr",
    "operator",      "or",
    "or_eq",         "private",
    "protected",     "reinterpret_cast",
    "static_assert", "static_cast",
    "template",      "this",
    "thread_local",  "throw",
    "true",          "try",
    "typeid",        "typename",
    "using",         "virtual",
    "xor",           "xor_eq",
};

static bool is_among(const char *name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], name) == 0)
            return true;
    }
    return false;
}

void check_name(struct checker *c, const char *name, struct place place, const char *what)
{
    if (is_among(name, c_words, sizeof c_words / sizeof *c_words))
        report_error(&c->edl->report, place, "'%s' is a word of C and cannot name %s", name, what);
    else if (is_among(name, cpp_words, sizeof cpp_words / sizeof *cpp_words))
        report_warning(&c->edl->report, WARN_CPP_KEYWORD, place, "C++ cannot use %s named '%s'",
                       what, name);
}

void check_declaration(struct checker *c, const char *name, struct place place, const char *what)
{
    struct place *before = map_get(&c->declared, name), *copy;

    check_name(c, name, place, what);
    if (before) {
        report_error(&c->edl->report, place, "the name '%s' is already taken", name);
        report_note(&c->edl->report, *before, "it is declared here");
        return;
    }
    copy = arena_alloc(&c->edl->arena, sizeof *copy);
    *copy = place;
    map_set(&c->declared, &c->edl->arena, name, copy);
}

void check_distinct(struct checker *c, const struct variable *list, const char *what)
{
    struct map seen = {0};

    for (const struct variable *v = list; v; v = v->next) {
        const struct variable *before = map_get(&seen, v->name);

        check_name(c, v->name, v->place, what);
        if (before) {
            report_error(&c->edl->report, v->place, "there is already %s '%s'", what, v->name);
            report_note(&c->edl->report, before->place, "it is here");
        }
        map_set(&seen, &c->edl->arena, v->name, (void *)v);
    }
}
