/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execute.h - for the tests that execute every.edl
 *
 * Each includes one side's generated source itself, before this, so that it has the marshalling
 * structures and can fill them with lies.
 */
#ifndef EDL_EXECUTE_H
#define EDL_EXECUTE_H

#include <criterion/criterion.h>
#include <string.h>

#include "every.h"
#include "harness.h"

#define ANSWER 42

#define SUCCEEDS(call)         cr_assert_eq((unsigned)(call), SGX_SUCCESS)
#define REFUSED(call)          cr_assert_eq((unsigned)(call), SGX_ERROR_INVALID_PARAMETER)
#define COMES_TO(status, call) cr_assert_eq((unsigned)(call), (status))

/* The function did not run, nothing was written outside and nothing was left inside. */
static inline void assert_nothing_happened(void)
{
    cr_assert_eq(seen.calls, 0);
    cr_assert_eq(harness.live_mallocs, 0);
    cr_assert_eq(harness.ocalloc_depth, 0);
    for (size_t i = 0; i < harness.accesses; i++)
        cr_assert_not(harness.access[i].out);
}

/* A test whose body runs inside, where ocalls can be made and the arena cannot be seen. */
#define TEST_INSIDE(suite, name)                                                                   \
    static void inside_##name(void);                                                               \
    Test(suite, name)                                                                              \
    {                                                                                              \
        bool done = false;                                                                         \
        inside_done = &done;                                                                       \
        run_inside(inside_##name);                                                                 \
        cr_assert(done);                                                                           \
        cr_assert_eq(harness.live_mallocs, 0);                                                     \
        cr_assert_eq(harness.ocalloc_depth, 0);                                                    \
    }                                                                                              \
    static void inside_##name(void)

/* The last line of such a body. */
#define DONE() (*inside_done = true)
static bool *inside_done __attribute__((unused));

#endif
