/* SPDX-License-Identifier: Apache-2.0 */
/*
 * misrule.h - rules for the kernel of a hand-made enclave, as tests set and count them
 */
#ifndef TESTS_RUN_MISRULE_H
#define TESTS_RUN_MISRULE_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aperture/model.h"

/* What SGX2_MODEL_RULES says about a text. */
static inline int rules_try(int fd, const char *text, struct sgx2_rules *ret)
{
    *ret = (struct sgx2_rules){.text = (uint64_t)(uintptr_t)text, .size = strlen(text)};
    return sgx2_ioctl(fd, SGX2_MODEL_RULES, ret);
}

/* A text that is right, printf-like. */
__attribute__((format(printf, 2, 3))) static inline void misrule(int fd, const char *format, ...)
{
    struct sgx2_rules rules;
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cr_assert_eq(rules_try(fd, text, &rules), 0, "%u:%u: %s", rules.line, rules.column,
                 rules.message);
}

/* How often the rule in a line struck. */
static inline uint64_t misrule_struck(int fd, uint64_t line)
{
    struct sgx2_struck struck = {.line = line};

    cr_assert_eq(sgx2_ioctl(fd, SGX2_MODEL_STRUCK, &struck), 0);
    return struck.struck;
}

#endif
