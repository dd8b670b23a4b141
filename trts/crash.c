/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.c - the ways in which enclave code gives up
 *
 * The enclave leaves with a status and never runs again, rather than to go on in a state that
 * nobody understands. abort() and __assert_fail() stand here so that libc's, which would make
 * system calls, are not linked.
 */
#include "state.h"

_Noreturn void abort(void);
_Noreturn void __assert_fail(const char *text, const char *file, int line, const char *function);
_Noreturn void __stack_chk_fail(void);

void crash(void)
{
    state_crash();
    trts_exit(SGX_ERROR_ENCLAVE_CRASHED);
}

void abort(void)
{
    crash();
}

void __assert_fail(const char *text, const char *file, int line, const char *function)
{
    /* Texts stay inside: a production enclave tells the host nothing but the status. */
    (void)text;
    (void)file;
    (void)line;
    (void)function;
    crash();
}

/* The compilers' stack protector calls this when a canary changed. */
void __stack_chk_fail(void)
{
    crash();
}
