/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support.h - compile texts that are in no file
 */
#ifndef EDL_TEST_SUPPORT_H
#define EDL_TEST_SUPPORT_H

#include <criterion/criterion.h>
#include <string.h>

#include "compile.h"

/* A file that import and #include find, for the rest of the test. */
void given_file(const char *name, const char *text);

/* Reads what was given, as an edl_read_fn. */
struct source *read_given(struct arena *arena, const char *path, const char **ret_why);

/* Options for the next compilations. */
void given_warning(const char *option);
void given_define(const char *define);
void given_search_path(const char *folder);
void given_headers_only(void);

/* The whole text of an EDL file, called test.edl. What came of it lives until the
 * next one is compiled. */
struct outcome {
    bool ok;
    const char *said; /* all diagnostics */
    unsigned errors, warnings;
    struct compiled compiled;
};
const struct outcome *compile_file_text(const char *text);

/* The same with "enclave {", newline, the text, "};" around it: its first line is line 2. */
const struct outcome *compile_body(const char *body);

/* The same in "trusted {...};" with a public ecall before: its first line is line 2, too. */
const struct outcome *compile_ecalls(const char *declarations);
const struct outcome *compile_ocalls(const char *declarations);

/* It failed with exactly one error, which this is part of ("2:5: error: ..."). */
void assert_refused(const struct outcome *o, const char *error);

/* It succeeded, without a word. */
void assert_accepted(const struct outcome *o);

/* It succeeded, and said this once. */
void assert_warned(const struct outcome *o, const char *warning);

/* A line of the generated file. */
void assert_has(const struct outcome *o, enum output which, const char *text);

#endif
