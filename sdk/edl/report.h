/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - errors, warnings, notes and hints, with the line and a caret
 *
 *     vault.edl:7:30: error: 'size' names 'lenn', which is not a parameter of 'put'
 *         7 |     public int put([in, size=lenn] const void *p, size_t len);
 *           |                              ^~~~
 *     hint: did you mean 'len'?
 */
#ifndef EDL_REPORT_H
#define EDL_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "source.h"

/* After so many errors the rest is only counted. */
#define REPORT_ERRORS_MAX 50

/* name on the command line, on by default, what it is about */
#define REPORT_WARNINGS(X)                                                                         \
    X(CPP_KEYWORD, "c++-keyword", true, "a name that C++ programs cannot use")                     \
    X(FOREIGN_STRUCT, "foreign-struct", true, "an EDL structure, union or enum named without tag") \
    X(NESTED_DEEP_COPY, "nested-deep-copy", true, "inner structures whose pointers stay as is")    \
    X(OCTAL, "octal", true, "a decimal number that C would read as octal")                         \
    X(POINTER_RESULT, "pointer-result", false, "ecalls that return a pointer into the enclave")    \
    X(SHALLOW_COPY, "shallow-copy", false, "copied structures with pointers that stay as is")      \
    X(STRUCT_POINTER, "struct-pointer", true, "structures passed by value that hold pointers")     \
    X(SWITCHLESS, "switchless", true, "transition_using_threads where it cannot help")             \
    X(UNUSED_PRIVATE, "unused-private", true, "private ecalls that no ocall allows")               \
    X(USER_CHECK, "user-check", false, "pointers that nobody checks for you")

#define REPORT_ENUM(id, name, on, about) WARN_##id,
enum warning { REPORT_WARNINGS(REPORT_ENUM) WARN_COUNT };

struct warning_state {
    bool on, fatal;
};

struct report {
    FILE *out; /* NULL: only counts */
    struct warning_state warning[WARN_COUNT];
    bool all_fatal; /* -Werror; -Wno-error=NAME clears `fatal` of one and sets `spared` */
    bool spared[WARN_COUNT];
    unsigned errors, warnings;
    bool muted; /* the last error or warning was not printed, so its notes are not either */
};

/* The defaults. */
void report_init(struct report *report, FILE *out);

/*
 * report_option() - one of -Wall, -Wno-all, -WNAME, -Wno-NAME, -Werror, -Wno-error, -Werror=NAME,
 * -Wno-error=NAME
 * @text: what follows -W
 *
 * false: there is no such warning; nothing was changed.
 */
bool report_option(struct report *report, const char *text);

/* One line for each warning: name, whether it is on by default, what it is about. */
void report_list_warnings(FILE *out);

/*
 * Each prints one diagnostic. A place of {0} prints no line. report_note() and report_hint() belong
 * to the error or warning before them and vanish with it.
 */
__attribute__((format(printf, 3, 4))) void report_error(struct report *report, struct place place,
                                                        const char *format, ...);
__attribute__((format(printf, 4, 5))) void report_warning(struct report *report, enum warning which,
                                                          struct place place, const char *format,
                                                          ...);
__attribute__((format(printf, 3, 4))) void report_note(struct report *report, struct place place,
                                                       const char *format, ...);
__attribute__((format(printf, 2, 3))) void report_hint(struct report *report, const char *format,
                                                       ...);

/*
 * Which of the names is so near to the word that it was probably meant? NULL if none is. The list
 * ends with NULL.
 */
const char *report_nearest(const char *word, const char *const *names);

#endif
