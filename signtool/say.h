/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.h - how ap-sign speaks: results on stdout, everything else on stderr
 */
#ifndef SIGNTOOL_SAY_H
#define SIGNTOOL_SAY_H

#include <stddef.h>
#include <stdint.h>

/* A sentence about what went wrong, for the functions that cannot know where it will be shown. */
struct failure {
    char text[256];
};

/* Writes the sentence; returns -1, so that a refusal is one return statement. */
__attribute__((format(printf, 2, 3))) int fail(struct failure *failure, const char *format, ...);

/* "ap-sign: error: ..." and "ap-sign: warning: ..."; control characters come out as '?'. */
__attribute__((format(printf, 1, 2))) void say_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void say_warning(const char *format, ...);

/* The same with a place in a file in front, as compilers do. line 0: the file as a whole. */
__attribute__((format(printf, 5, 6))) void say_at(const char *kind, const char *path,
                                                  unsigned long line, unsigned long column,
                                                  const char *format, ...);

/* "name  0011..." on stdout, bytes in the order they are stored. */
void say_hex(const char *name, const uint8_t *bytes, size_t size);

/* A plan_progress for long work: a percentage on stderr if that is a terminal, else nothing. */
void say_progress(void *what, uint64_t done, uint64_t total);

#endif
