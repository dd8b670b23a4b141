/* SPDX-License-Identifier: Apache-2.0 */
/*
 * criterion.h - as much of Criterion's interface as the tests of the model use, for programs that
 * are statically linked: Criterion comes as a shared library only
 *
 * Each test is a child process. A failed assertion ends it with status 1.
 */
#ifndef TESTS_PRELOAD_STATIC_CRITERION_H
#define TESTS_PRELOAD_STATIC_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct static_test {
    const char *suite, *name;
    void (*body)(void), (*init)(void), (*fini)(void);
    int signal, exit_code; /* how it is expected to end */
    struct static_test *next;
};

/* Enters a test, or the defaults of a suite: those have no name. */
void static_test_add(struct static_test *test);

__attribute__((noreturn, format(printf, 4, 5))) void
static_test_fail(const char *file, int line, const char *expression, const char *format, ...);

#define TestSuite(suite_, ...)                                                                     \
    __attribute__((constructor)) static void suite_##_suite(void)                                  \
    {                                                                                              \
        static struct static_test t = {.suite = #suite_, __VA_ARGS__};                             \
        static_test_add(&t);                                                                       \
    }                                                                                              \
    struct static_test

#define Test(suite_, name_, ...)                                                                   \
    static void suite_##_##name_##_body(void);                                                     \
    __attribute__((constructor)) static void suite_##_##name_##_add(void)                          \
    {                                                                                              \
        static struct static_test t = {                                                            \
            .suite = #suite_, .name = #name_, .body = suite_##_##name_##_body, ##__VA_ARGS__};     \
        static_test_add(&t);                                                                       \
    }                                                                                              \
    static void suite_##_##name_##_body(void)

#define static_test_must(condition, text, ...)                                                     \
    ((condition) ? (void)0 : static_test_fail(__FILE__, __LINE__, text, " " __VA_ARGS__))

#define cr_assert(c, ...)          static_test_must(c, #c, __VA_ARGS__)
#define cr_assert_not(c, ...)      static_test_must(!(c), "!(" #c ")", __VA_ARGS__)
#define cr_assert_fail(...)        static_test_must(false, "", __VA_ARGS__)
#define cr_assert_eq(a, b, ...)    static_test_must((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)   static_test_must((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)    static_test_must((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)   static_test_must((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)    static_test_must((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)   static_test_must((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_null(a, ...)     static_test_must((a) == NULL, #a " is NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...) static_test_must((a) != NULL, #a " is not NULL", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                                                \
    static_test_must(strcmp(a, b) == 0, #a " reads " #b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...)                                                          \
    static_test_must(memcmp(a, b, size) == 0, #a " holds " #b, __VA_ARGS__)

#endif
